"""The order in which the families' words are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.dictionary import Dictionary
from otel_sqlite_exporter.conventions.families.adk import ADK
from otel_sqlite_exporter.conventions.families.frameworks import AG2, LIVEKIT, MIRASCOPE, NEMO, PIPECAT, PROMPTFLOW
from otel_sqlite_exporter.conventions.families.genai import GENAI
from otel_sqlite_exporter.conventions.families.haystack import HAYSTACK
from otel_sqlite_exporter.conventions.families.langfuse import LANGFUSE
from otel_sqlite_exporter.conventions.families.langsmith import LANGSMITH
from otel_sqlite_exporter.conventions.families.litellm import LITELLM, LITELLM_WORDS
from otel_sqlite_exporter.conventions.families.llama_index import LLAMA_INDEX
from otel_sqlite_exporter.conventions.families.logfire import LOGFIRE, LOGFIRE_AGENTS, LOGFIRE_WORDS
from otel_sqlite_exporter.conventions.families.mlflow import MLFLOW, MLFLOW_WORDS
from otel_sqlite_exporter.conventions.families.openinference import OPENINFERENCE, RENAMED
from otel_sqlite_exporter.conventions.families.openlit import OPENLIT
from otel_sqlite_exporter.conventions.families.openllmetry import OPENLLMETRY
from otel_sqlite_exporter.conventions.families.otel_sqlite import OTEL_SQLITE
from otel_sqlite_exporter.conventions.families.platforms import (
    AGENTOPS,
    GALILEO,
    LANGTRACE,
    LANGWATCH,
    NETRA,
    OPENAI_AGENTS,
)
from otel_sqlite_exporter.conventions.families.pydantic_ai import PYDANTIC_AI, PYDANTIC_AI_WORDS
from otel_sqlite_exporter.conventions.families.sdks import SDKS, STRANDS
from otel_sqlite_exporter.conventions.families.traced_functions import HONEYHIVE, JUDGEVAL, MONOCLE, ORQ, TRULENS
from otel_sqlite_exporter.conventions.families.vercel import VERCEL

if TYPE_CHECKING:
    from otel_sqlite_exporter.conventions.vocabulary import Family

FAMILIES: Final[tuple[Family, ...]] = (
    GENAI,
    SDKS,
    OPENINFERENCE,
    RENAMED,
    OPENLLMETRY,
    OPENLIT,
    VERCEL,
    MLFLOW,
    MLFLOW_WORDS,
    LANGFUSE,
    LANGSMITH,
    HAYSTACK,
    LITELLM,
    LITELLM_WORDS,
    LOGFIRE,
    LOGFIRE_WORDS,
    LOGFIRE_AGENTS,
    PYDANTIC_AI,
    PYDANTIC_AI_WORDS,
    STRANDS,
    ADK,
    LANGWATCH,
    AGENTOPS,
    LANGTRACE,
    NETRA,
    GALILEO,
    OPENAI_AGENTS,
    AG2,
    LIVEKIT,
    PIPECAT,
    PROMPTFLOW,
    MIRASCOPE,
    NEMO,
    HONEYHIVE,
    JUDGEVAL,
    TRULENS,
    ORQ,
    MONOCLE,
    LLAMA_INDEX,
    OTEL_SQLITE,
)
"""First the standard, then the conventions many emitters share, then the emitters with words of their own.

Where two families filled the same column the earlier one is believed; a span is named after the last one whose words
or scope it has.
"""

MAX_SCOPES: Final = 200

SHARED: Final[dict[str, tuple[str, ...]]] = {
    "conversation_id": ("session.id", "conversation.id", "thread.id"),
    "user_id": ("user.id", "enduser.id"),
    "error_type": ("error.type",),
    "error_message": ("error.message",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "database": ("db.system.name", "db.system"),
    "database_operation": ("db.operation.name", "db.operation"),
    "server": ("gen_ai.openai.api_base", "llm.openai.api_base", "openai.api_base", "server.address", "net.peer.name"),
}
"""Column keys that any emitter may write."""

_by_scope: dict[str, Dictionary] = {}


def dictionary_for(scope_name: str) -> Dictionary:
    """Return the words that mean something under an instrumentation scope.

    Args:
        scope_name: Its name, "" for none.
    """
    found = _by_scope.get(scope_name)
    if found is None:
        chosen = tuple(family for family in FAMILIES if not family.scoped or scope_name.startswith(family.scopes))
        found = Dictionary(chosen, SHARED, scope_name)
        if len(_by_scope) < MAX_SCOPES:
            _by_scope[scope_name] = found
    return found
