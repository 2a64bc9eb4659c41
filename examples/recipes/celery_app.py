"""Celery: one line beside the tasks; each worker process of the pool records by itself.

celery --app celery_app worker
"""

import os

import openai
from celery import Celery

from otel_sqlite_exporter import record

record("traces.db")
app = Celery("tasks", broker=os.environ.get("BROKER", "redis://localhost"))
if app.conf.broker_url.startswith("filesystem:"):
    app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}


@app.task
def ask(question: str) -> str | None:
    """Answer a question."""
    reply = openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": question}]
    )
    return reply.choices[0].message.content
