"""Where a span comes from: its resource and its instrumentation scope, as the rows that thousands of spans share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.database.rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.pipeline.known_rows import KnownRows
from otel_sqlite_exporter.texts.cleaning import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.texts.policy import TextPolicy


class Provenance:
    """Make the rows of resources and scopes, each once for as long as it is in use.

    Args:
        policy: What may be stored of their attributes.
    """

    def __init__(self, policy: TextPolicy) -> None:
        self._policy = policy
        self.resource: Final = KnownRows(self._resource_row).of
        """Returns the row of a resource."""
        self.scope: Final = KnownRows(self._scope_row).of
        """Returns the row of an instrumentation scope, None included."""

    def _resource_row(self, resource: object) -> ResourceRow:
        attributes: Mapping[str, object] = getattr(resource, "attributes", None) or {}
        service = attributes.get("service.name")
        return ResourceRow(
            encode_json(self._policy.clean(dict(attributes))[0]),
            self._policy.name("resource.schema_url", getattr(resource, "schema_url", None)) or "",
            self._policy.name("service.name", service) if isinstance(service, str) else None,
        )

    def _scope_row(self, scope: object) -> ScopeRow:
        return ScopeRow(
            self._policy.name("scope.name", getattr(scope, "name", None)) or "",
            self._policy.name("scope.version", getattr(scope, "version", None)) or "",
            self._policy.name("scope.schema_url", getattr(scope, "schema_url", None)) or "",
            encode_json(self._policy.clean(dict(getattr(scope, "attributes", None) or {}))[0]),
        )
