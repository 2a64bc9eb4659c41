"""AG2.

pip install "ag2[openai]" openinference-instrumentation-ag2
"""

import os

from autogen import ConversableAgent

from otel_sqlite_exporter import record

record("traces.db")

model = {
    "model": "gpt-5.4-mini",
    "api_key": os.environ["OPENAI_API_KEY"],
    "base_url": os.environ.get("OPENAI_BASE_URL"),
}
assistant = ConversableAgent("assistant", llm_config={"config_list": [model]}, human_input_mode="NEVER")
print(assistant.generate_reply(messages=[{"role": "user", "content": "What is the capital of France?"}]))
