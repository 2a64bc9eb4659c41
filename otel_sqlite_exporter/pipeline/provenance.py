"""Where a span comes from: its resource and its instrumentation scope, as the rows that thousands of spans share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from otel_sqlite_exporter.database.rows import ResourceRow, ScopeRow
from otel_sqlite_exporter.texts.cleaning import encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from otel_sqlite_exporter.texts.policy import TextPolicy

_Row = TypeVar("_Row")

_CACHED_OBJECTS: Final = 64


class Provenance:
    """Make the rows of resources and scopes, each once for as long as it is in use.

    Args:
        policy: What may be stored of their attributes.
    """

    def __init__(self, policy: TextPolicy) -> None:
        self._policy = policy
        self._resources: dict[int, tuple[object, ResourceRow]] = {}
        self._scopes: dict[int, tuple[object, ScopeRow]] = {}

    def resource(self, resource: object) -> ResourceRow:
        """Return the row of a resource."""
        return self._cached(self._resources, resource, self._resource_row)

    def scope(self, scope: object) -> ScopeRow:
        """Return the row of an instrumentation scope, None included."""
        return self._cached(self._scopes, scope, self._scope_row)

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

    @staticmethod
    def _cached(cache: dict[int, tuple[object, _Row]], key: object, make: Callable[[object], _Row]) -> _Row:
        """Return an object's row by its identity: hashing its attributes would cost as much as making the row."""
        hit = cache.get(id(key))
        if hit is None:
            if len(cache) >= _CACHED_OBJECTS:
                cache.clear()
            hit = cache[id(key)] = (key, make(key))
        return hit[1]
