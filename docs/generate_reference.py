"""Write what the documentation says of SDKs, settings, commands and recipes, from the code that decides about them.

Run it after a change of the catalogue, the settings, the commands or the recipes:
``python docs/generate_reference.py``. A test compares.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from otel_sqlite_exporter import SQLiteSpanProcessor
from otel_sqlite_exporter.cli.app import COMMANDS, main
from otel_sqlite_exporter.sources.catalogue import SDKS

DOCS: Final = Path(__file__).parent

_COMMANDS_PAGE: Final = """# Commands

<!-- Made by `python docs/generate_reference.py` from the commands themselves. -->

`pip install "otel-sqlite-exporter[cli]"` brings what they need. They mean the same everywhere: `-d FILE` names the file
(else `OTEL_EXPORTER_SQLITE_PATH`, else `llm_traces.db`), `--json` and `--csv` the form of the answer.

On a terminal, what is longer than the screen is shown by a pager: `OTEL_SQLITE_PAGER`, else `PAGER`, else `less`, which
gets `LESS=-RFX` unless that is set; `q` leaves it. It is written straight to the terminal with `--no-pager`, before or
after the command's name, and where the variable is empty or `cat`. What is piped is never paged.
"""


def sdks() -> str:
    """Return the table of SDKs and the packages that report their calls."""
    lines = ["| SDK | installed as | install | also read |", "|---|---|---|---|"]
    for sdk in SDKS:
        first, *others = sdk.instrumentations
        install = f"`{first}`" if first else "nothing: it reports its calls itself"
        own = [f"the SDK itself, from {sdk.reports_since}"] if sdk.reports_since else []
        also = ", ".join([*(f"`{other}`" for other in others), *own])
        lines.append(f"| {sdk.name} | `{sdk.distributions[0]}` | {install} | {also} |")
    return "\n".join(lines)


def settings() -> str:
    """Return the table of arguments, out of the docstring that describes them."""
    text = inspect.getdoc(SQLiteSpanProcessor) or ""
    arguments = text[text.index("Args:\n") + len("Args:\n") : text.index("\n\nRaises:")]
    lines = ["| argument | environment variable | default | meaning |", "|---|---|---|---|"]
    for name, said in re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", arguments, flags=re.DOTALL | re.MULTILINE):
        meaning, _, ending = " ".join(said.split()).partition(" Default: ")
        variable = re.match(r"``(OTEL_EXPORTER_SQLITE_\w+)``, else (.+?)\.?$", ending)
        name_of, default = (f"`{variable[1]}`", variable[2]) if variable else ("", ending.rstrip("."))
        cells = (f"`{name}`", name_of, default, _markdown(meaning))
        lines.append("| " + " | ".join(_markdown(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _markdown(text: str) -> str:
    return re.sub(r":class:`(\w+)`", r"`\1`", text).replace("``", "`").replace("|", "\\|")


def commands() -> str:
    """Return the page of commands: what each says of itself."""
    parts = [_COMMANDS_PAGE]
    parent = click.Context(main, info_name="otel-sqlite", terminal_width=100, max_content_width=100)
    for name in COMMANDS:
        command: click.Command = import_module(f"otel_sqlite_exporter.cli.commands.{name}").command
        context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


def recipes() -> str:
    """Return the page of recipes, each with the text of its file."""
    return re.sub(
        r'^```python title="(?P<path>[^"]+)"\n(?:.*?\n)??```$',
        lambda block: f'```python title="{block["path"]}"\n{(DOCS.parent / block["path"]).read_text("utf-8")}```',
        (DOCS / "recipes.md").read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )


def pages() -> dict[Path, str]:
    """Return every page that is generated, wholly or in part, as it should be."""
    found = {DOCS / "commands.md": commands(), DOCS / "recipes.md": recipes()}
    for name, mark, table in (("instrumentations", "sdks", sdks()), ("configuration", "settings", settings())):
        path = DOCS / f"{name}.md"
        before, begin, rest = path.read_text(encoding="utf-8").partition(f"<!-- generated: {mark} -->\n")
        found[path] = before + begin + table + "\n" + rest[rest.index("<!-- end -->") :]
    return found


if __name__ == "__main__":
    for page, content in pages().items():
        page.write_text(content, encoding="utf-8")
