"""A local stand-in for the LLM APIs, so that the examples and the live tests run without a key or a network.

The SDKs and their instrumentations are real; only the model is not. ``StandIn`` speaks the wire formats of OpenAI
(chat completions, responses, embeddings), Anthropic, Gemini, Mistral and Cohere, and remembers every exchange.
"""

from standin.model import Answer, Prompt, ToolCall
from standin.server import Exchange, StandIn

__all__ = ["Answer", "Exchange", "Prompt", "StandIn", "ToolCall"]
