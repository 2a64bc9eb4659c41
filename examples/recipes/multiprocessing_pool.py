"""multiprocessing: a forked worker records by itself; a spawned one begins with ``record()``.

End a pool with ``close`` and ``join``: leaving its ``with`` block kills the workers.
"""

import multiprocessing

import openai

from otel_sqlite_exporter import record


def ask(question: str) -> str | None:
    """Answer a question."""
    reply = openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini", messages=[{"role": "user", "content": question}]
    )
    return reply.choices[0].message.content


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pool = context.Pool(2, initializer=record, initargs=("traces.db",))
    print(pool.map(ask, ["What is the capital of France?", "Why is the sky blue?"]))
    pool.close()
    pool.join()
