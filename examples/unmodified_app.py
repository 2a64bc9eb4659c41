"""An application that knows nothing of tracing.

Recording it takes no line of code, only another start:

    pip install ".[examples]"
    export OTEL_TRACES_EXPORTER=sqlite OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none
    opentelemetry-instrument python examples/unmodified_app.py

It talks to the API that OPENAI_API_KEY and OPENAI_BASE_URL name.
"""

import sys

import openai


def main() -> None:
    """Ask one question, print the answer."""
    question = sys.argv[1] if len(sys.argv) > 1 else "What is the capital of France?"
    reply = openai.OpenAI().chat.completions.create(
        model="gpt-5.4-mini",
        messages=[{"role": "user", "content": question}],
    )
    print(reply.choices[0].message.content)


if __name__ == "__main__":
    main()
