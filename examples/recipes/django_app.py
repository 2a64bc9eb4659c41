"""Django, in one file; in a project, ``record()`` stands in ``AppConfig.ready()`` or in ``wsgi.py`` and ``asgi.py``.

gunicorn django_app:application
"""

import openai
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from otel_sqlite_exporter import record

record("traces.db")
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="an example's")  # noqa: S106 - it is none


def ask(request: HttpRequest) -> HttpResponse:
    """Answer a question."""
    reply = openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": request.GET["question"]}]
    )
    return HttpResponse(reply.choices[0].message.content)


urlpatterns = [path("ask", ask)]
application = get_wsgi_application()
