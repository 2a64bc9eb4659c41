"""In a notebook each of the five questions is one line, and its answer shows itself without a script or a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="tox -e notebook has it")
nbformat = pytest.importorskip("nbformat", reason="tox -e notebook has it")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SETUP = "from otel_sqlite_exporter import open_database\ndatabase = open_database({path!r})"
FIVE = re.findall(
    r"\| `((?:list\()?database\.[^`]+)` \|$",
    (Path(__file__).parents[2] / "docs" / "reading.md").read_text("utf-8"),
    flags=re.MULTILINE,
)
SHOWN = (
    "database.calls()",
    "database.call(-1)",
    "database.conversation('-1')",
    "database.changes(-1)",
    "database.compare(-2, -1)",
    "database.status()",
    "database.usage(by='agent')",
    "database.sql('SELECT model, count(*) FROM llm_calls GROUP BY model')",
)
FRAMES = ("database.calls().df()", "database.calls().pl()", "database.usage(by='day,model').df()")


def outputs(path: Path, lines: list[str]) -> list[dict[str, str]]:
    """Run lines in a notebook, each in a cell; return what each shows, by media type."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (SETUP.format(path=str(path)), *lines)]
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [dict(cell.outputs[0].data) for cell in notebook.cells[1:]]


def test_the_documentation_has_the_five_questions() -> None:
    """The five questions are there to be run."""
    assert len(FIVE) == 5


def test_each_question_is_one_line(demo_path: Path) -> None:
    """Each line of the documentation runs as it stands and shows something."""
    shown = outputs(demo_path, FIVE)
    assert len(shown) == 5
    for output in shown[:1] + shown[1:3] + shown[4:]:
        assert "text/html" in output


def test_answers_show_themselves_without_scripts(demo_path: Path) -> None:
    """Lists, a call, a conversation, sums and queries are HTML with a style and nothing that runs or is fetched."""
    for output in outputs(demo_path, list(SHOWN)):
        html = output["text/html"]
        assert "<style>" in html
        assert not re.search(r"<script|<img|<link|<iframe|src=|href=|url\(|@import|\son\w+=", html)


def test_answers_become_frames(demo_path: Path) -> None:
    """Pandas and polars show them as their own frames."""
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    for output in outputs(demo_path, list(FRAMES)):
        assert "dataframe" in output["text/html"]
