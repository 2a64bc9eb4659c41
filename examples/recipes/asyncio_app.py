"""asyncio: nothing is special about it."""

import asyncio

import openai

from otel_sqlite_exporter import record

record("traces.db")


async def main() -> None:
    """Ask three questions at once."""
    client = openai.AsyncOpenAI()
    await asyncio.gather(
        *(
            client.chat.completions.create(model="gpt-5.4-mini", messages=[{"role": "user", "content": question}])
            for question in ("What is the capital of France?", "Why is the sky blue?", "What is SQLite?")
        )
    )


asyncio.run(main())
