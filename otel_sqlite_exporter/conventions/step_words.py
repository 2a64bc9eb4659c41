"""Each word that an emitter has for a step, and the step it stands for: a table only, which :mod:`kinds` reads."""

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
IMAGE: Final = Step("llm", "image_generation")
SPEECH: Final = Step("llm", "speech")
TRANSCRIPTION: Final = Step("llm", "transcription")
EMBEDDINGS: Final = Step("embedding", "embeddings")
AGENT: Final = Step("agent", "invoke_agent")
TOOL: Final = Step("tool", "execute_tool")
RETRIEVAL: Final = Step("retriever", "retrieval")
RERANK: Final = Step("reranker", "rerank")
CHAIN: Final = Step("chain", None)
GUARDRAIL: Final = Step("guardrail", None)
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
    "completion.create": CHAT,
    "create_chat_completion": CHAT,
    "chatcompletion": CHAT,
    "chat_stream": CHAT,
    "stream_chat": CHAT,
    "achat": CHAT,
    "astream_chat": CHAT,
    "stream": CHAT,
    "complete": COMPLETION,
    "acomplete": COMPLETION,
    "stream_complete": COMPLETION,
    "astream_complete": COMPLETION,
    "atext_completion": COMPLETION,
    "aresponses": CHAT,
    "anthropic_messages": CHAT,
    "agenerate_content": Step("llm", "generate_content"),
    "agenerate_content_stream": Step("llm", "generate_content"),
    "generate_content_stream": Step("llm", "generate_content"),
    "generate_stream": CHAT,
    "generate_object": CHAT,
    "generate_content_async": Step("llm", "generate_content"),
    "create_response": CHAT,
    "create_message": CHAT,
    "converse": CHAT,
    "converse_stream": CHAT,
    "invoke_model_with_response_stream": CHAT,
    "llm_call": CHAT,
    "llm_request": CHAT,
    "llm_response": CHAT,
    "model": CHAT,
    "model_call": CHAT,
    "model_inference": CHAT,
    "model_invocation": CHAT,
    "model_generate": CHAT,
    "llm_completion": CHAT,
    "llm_generation": CHAT,
    "multimodal": CHAT,
    "vision": CHAT,
    "image": IMAGE,
    "image_generation": IMAGE,
    "aimage_generation": IMAGE,
    "image_edit": IMAGE,
    "generate_image": IMAGE,
    "generate_images": IMAGE,
    "audio": SPEECH,
    "speech": SPEECH,
    "aspeech": SPEECH,
    "tts": SPEECH,
    "transcription": TRANSCRIPTION,
    "transcribe": TRANSCRIPTION,
    "atranscription": TRANSCRIPTION,
    "stt": TRANSCRIPTION,
    "asr": TRANSCRIPTION,
    "translation": Step("llm", "translation"),
    "video_generation": Step("llm", "video_generation"),
    "realtime": CHAT,
    "embedding": EMBEDDINGS,
    "embed": EMBEDDINGS,
    "embed_content": EMBEDDINGS,
    "embedding_creation": EMBEDDINGS,
    "create_embedding": EMBEDDINGS,
    "create_embeddings": EMBEDDINGS,
    "aembedding": EMBEDDINGS,
    "rerank": RERANK,
    "arerank": RERANK,
    "tool_call": TOOL,
    "llm_tool_call": TOOL,
    "tool_execution": TOOL,
    "run_tool": TOOL,
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
    "text_to_speech": SPEECH,
    "speech_to_text": TRANSCRIPTION,
    "translate": Step("llm", "translation"),
    "video": Step("llm", "video_generation"),
    "search": Step("retriever", "search"),
    "memory_search": Step("retriever", "search_memory"),
    "mcp_tool_call": TOOL,
    "mcp_resource_read": Step("retriever", "resources/read"),
    "invoke_model": CHAT,
    "run_agent": AGENT,
    "agent_invocation": AGENT,
    # openinference.span.kind, traceloop.span.kind, langsmith.span.kind, gen_ai.span.kind
    "llm": LLM,
    "flow": CHAIN,
    "embedder": EMBEDDINGS,
    "chain": CHAIN,
    "agent": AGENT,
    "tool": TOOL,
    "retriever": RETRIEVAL,
    "reranker": RERANK,
    "guardrail": GUARDRAIL,
    "guardrails": GUARDRAIL,
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
    "agent run: {name!r}": AGENT,
    "function: {name}": TOOL,
    "chat completion with {gen_ai.request.model!r}": CHAT,
    "responses api": CHAT,
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
