"""LlamaIndex.

pip install llama-index-llms-openai openinference-instrumentation-llama-index
"""

from llama_index.llms.openai import OpenAI

from otel_sqlite_exporter import record

record("traces.db")

print(OpenAI(model="gpt-4o-mini").complete("What is the capital of France?"))
