"""What an emitter calls a step, and what this file calls it."""

from __future__ import annotations

from typing import Final, NamedTuple


class Step(NamedTuple):
    """A span's kind and its GenAI operation name.

    Args:
        kind: One of the kinds of the ``spans`` table.
        operation: The operation's name where the emitter's word says it.
    """

    kind: str
    operation: str | None


CHAT: Final = Step("llm", "chat")
LLM: Final = Step("llm", "chat")
"""What emitters say that have one word for every request to a model."""

COMPLETION: Final = Step("llm", "text_completion")
EMBEDDINGS: Final = Step("embedding", "embeddings")
AGENT: Final = Step("agent", "invoke_agent")
TOOL: Final = Step("tool", "execute_tool")
RETRIEVAL: Final = Step("retriever", "retrieval")
RERANK: Final = Step("reranker", "rerank")
CHAIN: Final = Step("chain", None)
OTHER: Final = Step("other", None)

STEPS: Final[dict[str, Step]] = {
    # gen_ai.operation.name
    "chat": CHAT,
    "text_completion": COMPLETION,
    "generate_content": Step("llm", "generate_content"),
    "embeddings": EMBEDDINGS,
    "create_agent": Step("agent", "create_agent"),
    "invoke_agent": AGENT,
    "invoke_workflow": Step("chain", "invoke_workflow"),
    "execute_task": Step("chain", "execute_task"),
    "execute_tool": TOOL,
    "retrieval": RETRIEVAL,
    "search_memory": Step("retriever", "search_memory"),
    "vector_db_retrieve": Step("retriever", "vector_db_retrieve"),
    "vectordb": Step("retriever", "vectordb"),
    "count_tokens": Step("other", "count_tokens"),
    "count_token": Step("other", "count_tokens"),
    # other spellings of the same
    "completion": COMPLETION,
    "completions": COMPLETION,
    "acompletion": CHAT,
    "chat_completion": CHAT,
    "chat_completions": CHAT,
    "chat.completions": CHAT,
    "message": CHAT,
    "messages": CHAT,
    "generate": CHAT,
    "generate_text": CHAT,
    "text_generation": CHAT,
    "text-generation": CHAT,
    "stream_generate_content": Step("llm", "generate_content"),
    "generate_response": CHAT,
    "response": CHAT,
    "responses": CHAT,
    "structured_output": CHAT,
    "inference": CHAT,
    "image": Step("llm", "image_generation"),
    "image_generation": Step("llm", "image_generation"),
    "audio": Step("llm", "speech"),
    "speech": Step("llm", "speech"),
    "transcription": Step("llm", "transcription"),
    "embedding": EMBEDDINGS,
    "embed": EMBEDDINGS,
    "embed_content": EMBEDDINGS,
    "rerank": RERANK,
    "tool_call": TOOL,
    "tool_calling": TOOL,
    "call_tool": TOOL,
    "execute_tools": Step("chain", "execute_tools"),
    "function": TOOL,
    "function_call": TOOL,
    "agent_run": AGENT,
    "execute_event_loop_cycle": Step("chain", "execute_event_loop_cycle"),
    "invoke_swarm": Step("chain", "invoke_swarm"),
    "invoke_graph": Step("chain", "invoke_graph"),
    "framework": CHAIN,
    "chat.streaming_completions": CHAT,
    "chat_completion.create": CHAT,
    "text.completions": COMPLETION,
    "text.streaming_completions": COMPLETION,
    "model_request": CHAT,
    "text_to_speech": Step("llm", "speech"),
    "speech_to_text": Step("llm", "transcription"),
    "translate": Step("llm", "translation"),
    "video": Step("llm", "video_generation"),
    "search": Step("retriever", "search"),
    "memory_search": Step("retriever", "search_memory"),
    "mcp_tool_call": TOOL,
    "mcp_resource_read": Step("retriever", "resources/read"),
    "invoke_model": CHAT,
    # openinference.span.kind, traceloop.span.kind, langsmith.span.kind
    "llm": LLM,
    "chain": CHAIN,
    "agent": AGENT,
    "tool": TOOL,
    "retriever": RETRIEVAL,
    "reranker": RERANK,
    "guardrail": Step("guardrail", None),
    "evaluator": Step("evaluator", None),
    "evaluation": Step("evaluator", None),
    "prompt": Step("prompt", None),
    "workflow": CHAIN,
    "task": CHAIN,
    "session": CHAIN,
    "handoff": CHAIN,
    "turn": CHAIN,
    "parser": CHAIN,
    # langfuse.observation.type
    "generation": CHAT,
    "span": CHAIN,
    "event": OTHER,
    # mlflow.spanType
    "chat_model": CHAT,
    "memory": OTHER,
    # ai.operationId: the outer span of each call sums what its inner ones report
    "ai.generatetext": AGENT,
    "ai.streamtext": AGENT,
    "ai.generateobject": CHAIN,
    "ai.streamobject": CHAIN,
    "ai.embed": CHAIN,
    "ai.embedmany": CHAIN,
    "ai.rerank": CHAIN,
    "ai.toolcall": TOOL,
    "ai.generatetext.dogenerate": CHAT,
    "ai.streamtext.dostream": CHAT,
    "ai.generateobject.dogenerate": CHAT,
    "ai.streamobject.dostream": CHAT,
    "ai.embed.doembed": EMBEDDINGS,
    "ai.embedmany.doembed": EMBEDDINGS,
    "ai.rerank.dorerank": RERANK,
    # logfire.msg_template: all that told a model call from other spans
    "chat completion with {request_data[model]!r}": CHAT,
    "message with {request_data[model]!r}": CHAT,
    "responses api with {request_data[model]!r}": CHAT,
    "responses api with {gen_ai[request_model]!r}": CHAT,
    "completion with {request_data[model]!r}": COMPLETION,
    "embedding creation with {request_data[model]!r}": EMBEDDINGS,
    "image generation with {request_data[model]!r}": Step("llm", "image_generation"),
    "streaming response from {request_data[model]!r} took {duration:.2f}s": CHAT,
    # mcp.method.name
    "tools/call": TOOL,
    "tools/list": OTHER,
    "initialize": OTHER,
    "decision": OTHER,
    "resources/read": Step("retriever", "resources/read"),
    "resources/list": OTHER,
    "prompts/get": Step("prompt", None),
    "prompts/list": OTHER,
}
"""Each word for a step, in lower case."""

SUFFIXES: Final[tuple[tuple[str, Step], ...]] = (
    ("count_tokens", Step("other", "count_tokens")),
    ("chatgenerator", CHAT),
    ("generator", COMPLETION),
    ("embedder", EMBEDDINGS),
    ("retriever", RETRIEVAL),
    ("ranker", RERANK),
    ("toolinvoker", TOOL),
    ("agent", AGENT),
    (".chat", CHAT),
    (".completion", COMPLETION),
    (".embeddings", EMBEDDINGS),
    (".tool", TOOL),
)
"""How the names of components end that have no word for their step."""

NO_CALLS: Final = ("._prepare_chat_with_tools",)
"""How the names of spans end that are said to be model calls and only prepare one."""

NAME_PREFIXES: Final[tuple[tuple[str, Step], ...]] = (
    ("chat ", CHAT),
    ("text_completion ", COMPLETION),
    ("generate_content ", Step("llm", "generate_content")),
    ("embeddings ", EMBEDDINGS),
    ("execute_tool ", TOOL),
    ("running tool", TOOL),
    ("invoke_agent", AGENT),
    ("create_agent", Step("agent", "create_agent")),
    ("agent run", AGENT),
    ("haystack.agent.step.llm", CHAT),
    ("haystack.agent.step.tool", TOOL),
    ("haystack.agent.step", CHAIN),
    ("haystack.agent.run", AGENT),
    ("haystack.pipeline", CHAIN),
    ("haystack.async_pipeline", CHAIN),
    ("call_llm", CHAT),
)
"""How the names of spans begin that carry no word for their step, or lost it."""


def step_of(word: object) -> Step | None:
    """Return the step that an emitter's word stands for, None for an unknown word."""
    if not isinstance(word, str):
        return None
    return STEPS.get(word) or STEPS.get(word.strip('"').lower())


def step_of_component(name: str) -> Step | None:
    """Return the step that the name of a component or span tells by its ending."""
    lowered = name.lower()
    for suffix, step in SUFFIXES:
        if lowered.endswith(suffix):
            return step
    return None


def step_of_span_name(name: str) -> Step | None:
    """Return the step that a span's name tells by its beginning, else by its ending."""
    for prefix, step in NAME_PREFIXES:
        if name.startswith(prefix):
            return step
    return step_of_component(name)
