"""A Celery application that is set up by ``record()`` alone; its broker is a directory."""

from __future__ import annotations

from celery import Celery

from otel_sqlite_exporter import record
from tests.servers.work import call

record()
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}
task = app.task(call)
