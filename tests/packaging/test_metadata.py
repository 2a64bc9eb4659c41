"""What is shipped says what it is."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import otel_sqlite_exporter

ROOT = Path(__file__).parent.parent.parent


def test_the_public_api_is_what_the_type_checked_file_uses() -> None:
    """``tests/typing_public_api.py`` stands for every public name."""
    tree = ast.parse((ROOT / "tests" / "typing_public_api.py").read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "otel_sqlite_exporter"
        for alias in node.names
    }
    assert imported | {"__version__"} == set(otel_sqlite_exporter.__all__)
    for name in otel_sqlite_exporter.__all__:
        assert getattr(otel_sqlite_exporter, name) is not None


def test_the_version_is_said_once() -> None:
    """The installed metadata has the version of the module, where the package is installed."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", otel_sqlite_exporter.__version__)
    try:
        installed = metadata.version("otel-sqlite-exporter")
    except metadata.PackageNotFoundError:
        return
    assert installed == otel_sqlite_exporter.__version__


def test_everything_that_tests_read_is_shipped() -> None:
    """The source distribution has every folder and page that its own tests look at."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for part in ("tests", "examples", "docs", "mkdocs.yml", "tox.ini", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        assert f'"/{part}"' in project, part
        assert (ROOT / part).exists(), part


def test_what_sending_imports_is_what_its_extra_names() -> None:
    """Whatever a module of ``sending`` imports from elsewhere, the extras that bring it name it themselves."""
    own = {"otel_sqlite_exporter", "__future__", "typing_extensions", *sys.stdlib_module_names}
    imported = set()
    for path in (ROOT / "otel_sqlite_exporter" / "sending").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    foreign = {name for name in imported if name.partition(".")[0] not in own}
    distributions = {
        "google.protobuf": "protobuf",
        "opentelemetry.exporter.otlp": "opentelemetry-exporter-otlp-proto-common",
        "opentelemetry.proto": "opentelemetry-proto",
        "opentelemetry.sdk": "opentelemetry-sdk",
        "opentelemetry.trace": "opentelemetry-api",
        "opentelemetry.util.types": "opentelemetry-api",
        "pyarrow": "pyarrow",
        "requests": "requests",
        "urllib3": "urllib3",
    }
    named = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for module in foreign:
        (distribution,) = {name for start, name in distributions.items() if module.startswith(start)}
        assert f'"{distribution}>=' in named, module
