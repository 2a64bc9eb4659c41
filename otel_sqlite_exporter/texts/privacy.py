"""What may be kept of texts when no content is to be captured: names and ids of known meaning, no sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.conventions.registry import dictionary_for
from otel_sqlite_exporter.scanning.patterns import IDENTIFIER
from otel_sqlite_exporter.texts.known_words import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.call import Call

# Facts about the surroundings of a call, from OpenTelemetry's general semantic conventions. Addresses are here, paths,
# queries and command lines are not: they may hold what a user typed.
_SURROUNDINGS: Final = frozenset(
    {
        "cloud.account.id",
        "cloud.availability_zone",
        "cloud.platform",
        "cloud.provider",
        "cloud.region",
        "container.id",
        "container.name",
        "deployment.environment",
        "deployment.environment.name",
        "exception.type",
        "faas.name",
        "faas.version",
        "gen_ai.output.type",
        "host.arch",
        "host.id",
        "host.name",
        "http.method",
        "http.request.method",
        "k8s.cluster.name",
        "k8s.deployment.name",
        "k8s.namespace.name",
        "k8s.node.name",
        "k8s.pod.name",
        "k8s.pod.uid",
        "net.peer.name",
        "openinference.span.kind",
        "os.type",
        "os.version",
        "process.executable.name",
        "process.runtime.name",
        "process.runtime.version",
        "server.address",
        "service.instance.id",
        "service.name",
        "service.namespace",
        "service.version",
        "telemetry.auto.version",
        "telemetry.distro.name",
        "telemetry.distro.version",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
        "traceloop.span.kind",
        "url.scheme",
    }
)
# Parameters of a request and facts about a response that have no column of their own.
_NUMBERS: Final = frozenset(
    {
        "gen_ai.request.choice.count",
        "gen_ai.request.frequency_penalty",
        "gen_ai.request.max_tokens",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.seed",
        "gen_ai.request.temperature",
        "gen_ai.request.top_k",
        "gen_ai.request.top_p",
        "http.response.status_code",
        "http.status_code",
        "llm.frequency_penalty",
        "llm.is_streaming",
        "llm.presence_penalty",
        "llm.temperature",
        "llm.top_p",
        "net.peer.port",
        "process.pid",
        "server.port",
    }
)
_QUOTES_CONTENT: Final = frozenset({"error_message"})


def is_identifier(text: str) -> bool:
    """Tell whether a text has the shape of a name or an id: one short word that can't quote anybody."""
    return IDENTIFIER.fullmatch(text) is not None


def telling_name(name: str, call: Call) -> str:
    """Return a span's name if it is an identifier, or an operation and an identifier; else one made of the columns.

    Args:
        name: The name as emitted.
        call: What the span stands for.
    """
    operation, _, subject = name.partition(" ")
    if is_identifier(name) or (operation in OPERATIONS and is_identifier(subject)):
        return name
    words = (call.operation or call.kind, call.request_model or call.agent_name or call.tool_name)
    return " ".join(word for word in words if word is not None and is_identifier(word))


def metadata_only(attributes: Mapping[str, object], scope_name: str) -> dict[str, object]:
    """Return the attributes that can't hold the text of a prompt or an answer.

    A number or a boolean is kept under a key that is known to hold one: an application's own key may itself quote what
    a user said. A text is kept only if it is an identifier besides, under a key that is known to hold a model's name,
    an id or the like: anything else may quote the conversation, error messages included.

    Args:
        attributes: Of a span, an event, a link, a resource or a scope, without message content.
        scope_name: The span's instrumentation scope, which may give a key its meaning.
    """
    dictionary = dictionary_for(scope_name)
    kept: dict[str, object] = {}
    for key, value in attributes.items():
        is_number = isinstance(value, (bool, int, float))
        if not isinstance(key, str) or not (is_number or _are_identifiers(value)):
            continue
        slot = dictionary.slots.get(key) or dictionary.learn(key)
        columns = [column for column, _ in slot.columns if column not in _QUOTES_CONTENT]
        is_known = bool(columns) and slot.body is None and slot.content is None
        if key in _SURROUNDINGS or is_known or (is_number and key in _NUMBERS):
            kept[key] = value
    return kept


def _are_identifiers(value: object) -> bool:
    if isinstance(value, str):
        return is_identifier(value)
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) and is_identifier(item) for item in value)
