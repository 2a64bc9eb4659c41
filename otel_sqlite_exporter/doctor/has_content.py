"""Whether a span says what was asked or answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTENT: Final = re.compile(
    r"^(gen_ai\.(input|output)\.messages|gen_ai\.(prompt|completion)(\.\d+\.content)?$|(input|output)\.value"
    r"|llm\.(input|output)_messages\.|traceloop\.entity\.(input|output)|gen_ai\.tool\.(call\.)?(arguments|result)"
    r"|request_data|response_data|pydantic_ai\.all_messages|.*\.(prompt|completion)\.\d+\.(content|tool_calls))"
)


def has_content(keys: Iterable[str]) -> bool:
    """Tell whether any of a span's attributes holds a prompt or an answer, whoever made it."""
    return any(_CONTENT.match(key) for key in keys)
