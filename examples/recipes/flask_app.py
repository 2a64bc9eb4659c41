"""Flask, under its own server or gunicorn; ``--preload`` is fine: a forked worker records by itself.

flask --app flask_app run
gunicorn flask_app:app --workers 2 --preload
"""

import openai
from flask import Flask, request

from otel_sqlite_exporter import record

record("traces.db")
app = Flask(__name__)


@app.get("/ask")
def ask() -> str:
    """Answer a question."""
    reply = openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": request.args["question"]}]
    )
    return reply.choices[0].message.content or ""
