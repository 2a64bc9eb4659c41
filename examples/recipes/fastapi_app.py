"""FastAPI, under uvicorn or gunicorn.

    uvicorn fastapi_app:app
    gunicorn fastapi_app:app --worker-class uvicorn.workers.UvicornWorker --workers 2

Each worker records into the same file. Servers handle SIGTERM themselves: nothing that is queued is lost.
"""

import openai
from fastapi import FastAPI

from otel_sqlite_exporter import record

record("traces.db")
app = FastAPI()
client = openai.AsyncOpenAI()


@app.get("/ask")
async def ask(question: str) -> str | None:
    """Answer a question."""
    reply = await client.chat.completions.create(model="gpt-5.4-mini", messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content
