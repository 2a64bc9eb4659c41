"""Texts and JSON of a file as HTML that does nothing: no scripts, no images, no addresses but those one may follow."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from otel_sqlite_exporter.reading.units import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

    from otel_sqlite_exporter.reading.building import Json

_FOLLOWED: Final = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_MOST_NODES: Final = 3000
_MOST_DEPTH: Final = 24
_OPEN_DEPTH: Final = 2
_OPEN_ITEMS: Final = 40
_LONG_STRING: Final = 2000


def _show_image(
    renderer: RendererHTML,  # noqa: ARG001 - markdown-it's signature
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,  # noqa: ARG001 - as above
    env: EnvType,  # noqa: ARG001 - as above
) -> str:
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    return f'<span class="media">image {escape(token.content)} <code>{escape(source[:200])}</code> not loaded</span>'


def _open_link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    token.attrs["rel"] = "noopener noreferrer nofollow"
    token.attrs["target"] = "_blank"
    return renderer.renderToken(tokens, index, options, env)


def _is_followed(address: str) -> bool:
    """Tell whether a link may be followed: to other sites only, never to a page of these."""
    return _FOLLOWED.match(address) is not None


def _parser() -> MarkdownIt:
    # Raw HTML is text.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.validateLink = _is_followed  # type: ignore[method-assign, assignment]
    parser.add_render_rule("image", _show_image)
    parser.add_render_rule("link_open", _open_link)
    return parser


_PARSER: Final = _parser()


def markdown(text: str) -> Markup:
    """Return markdown as HTML."""
    return Markup(_PARSER.render(visible(text)))  # noqa: S704 - raw HTML is off, and every text is escaped by the parser


def json_tree(value: Json) -> Markup:
    """Return JSON with colours, in which what is deep or long is folded.

    Args:
        value: Any JSON. Of a value that is too large the beginning is shown, and how much is left out.
    """
    writer = _TreeWriter()
    writer.write(value, 0)
    return Markup(f'<div class="json">{"".join(writer.pieces)}</div>')  # noqa: S704 - every text is escaped below


class _TreeWriter:
    """Write one value; what is nested too deep, or comes after too many items, is left out and said."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._left = _MOST_NODES

    def write(self, value: Json, depth: int) -> None:
        self._left -= 1
        if isinstance(value, (dict, list)):
            self._container(value, depth)
        elif isinstance(value, str):
            self._string(value)
        else:
            kind = "n" if isinstance(value, (int, float)) and not isinstance(value, bool) else "k"
            self.pieces.append(f'<span class="j{kind}">{escape(json.dumps(value))}</span>')

    def _string(self, value: str) -> None:
        shown, more = value[:_LONG_STRING], len(value) - _LONG_STRING
        text = json.dumps(visible(shown), ensure_ascii=False)
        if "\n" in shown:
            # A text of several lines is read as such, not with \n.
            text = f'"{visible(shown)}"'
        self.pieces.append(f'<span class="js">{escape(text)}</span>')
        if more > 0:
            self.pieces.append(f'<span class="jc"> … {more:,} more characters</span>')

    def _container(self, value: dict[str, Json] | list[Json], depth: int) -> None:
        left, right = ("{", "}") if isinstance(value, dict) else ("[", "]")
        if not value:
            self.pieces.append(left + right)
            return
        if depth >= _MOST_DEPTH or self._left <= 0:
            self.pieces.append(f'{left}<span class="jc"> {len(value):,} more </span>{right}')
            return
        is_open = depth < _OPEN_DEPTH and len(value) <= _OPEN_ITEMS
        what = "keys" if isinstance(value, dict) else "items"
        self.pieces.append(
            f"<details{' open' if is_open else ''}><summary>{left}"
            f'<span class="jc"> {len(value):,} {what} {right}</span></summary><ul>'
        )
        items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for index, (key, item) in enumerate(items):
            if self._left <= 0:
                self.pieces.append(f'<li class="jc">… {len(value) - index:,} more {what}</li>')
                break
            self.pieces.append("<li>")
            if key is not None:
                self.pieces.append(f'<span class="jp">{escape(visible(key[:200]))}</span>: ')
            self.write(item, depth + 1)
            self.pieces.append("</li>")
        self.pieces.append(f"</ul>{right}</details>")
