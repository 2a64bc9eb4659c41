"""LiteLLM.

pip install litellm openinference-instrumentation-litellm
"""

import litellm

from otel_sqlite_exporter import record

record("traces.db")

reply = litellm.completion(
    model="openai/gpt-5.4-mini", messages=[{"role": "user", "content": "What is the capital of France?"}]
)
print(reply.choices[0].message.content)
