"""An SDK and its instrumentation, small and installed in a directory, under the names that the catalogue knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Final

ROOT: Final = Path(__file__).parent.parent

SDK: Final = '''
def ask(question):
    """Answer."""
    return question.upper()
'''

INSTRUMENTOR: Final = """
import openai
from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor


class Instrumentor(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return ["openai"]

    def _instrument(self, **kwargs):
        import openai
        tracer = trace.get_tracer("openinference.instrumentation.openai", tracer_provider=kwargs.get("tracer_provider"))
        self._original = original = openai.ask

        def ask(question):
            with tracer.start_as_current_span("ask") as span:
                span.set_attribute("openinference.span.kind", "LLM")
                span.set_attribute("llm.model_name", "fake-1")
                span.set_attribute("input.value", question)
                answer = original(question)
                span.set_attribute("output.value", answer)
                return answer

        openai.ask = ask

    def _uninstrument(self, **kwargs):
        import openai
        openai.ask = self._original
""".replace("import openai\nfrom", "from", 1)

PRICES: Final = """
class Usage:
    def __init__(self, **counts):
        pass


def calc_price(*call, **when):
    raise LookupError
"""
"""A price list that knows no model: importing the real one takes each program a third of its time."""

BROKEN: Final = "raise ImportError('a part of it is missing')\n"


def install(
    directory: Path, *, sdk: bool = True, instrumentation: bool = True, instrumentor: str = INSTRUMENTOR
) -> None:
    """Install the SDK ``openai`` and an instrumentation of it, or one of them, in a directory."""
    directory.mkdir(exist_ok=True)
    if sdk:
        (directory / "openai.py").write_text(SDK, encoding="utf-8")
        _distribution(directory, "openai")
    if instrumentation:
        (directory / "fake_instrumentor.py").write_text(instrumentor, encoding="utf-8")
        info = _distribution(directory, "openinference-instrumentation-openai")
        (info / "entry_points.txt").write_text(
            "[opentelemetry_instrumentor]\nopenai = fake_instrumentor:Instrumentor\n", encoding="utf-8"
        )


def _distribution(directory: Path, name: str) -> Path:
    info = directory / f"{name.replace('-', '_')}-9.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n", encoding="utf-8")
    return info


def import_path(directory: Path) -> str:
    """Return where programs in a directory look for modules: in the project, in ``site``, and for prices in ``prices``.

    That is no part of ``site``, in which tests look too that record in their own process.
    """
    prices = directory / "prices"
    prices.mkdir(exist_ok=True)
    (prices / "genai_prices.py").write_text(PRICES, encoding="utf-8")
    return os.pathsep.join(map(str, (ROOT, directory / "site", prices)))


def start(directory: Path, code: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program in a directory, with what is installed in its ``site``, and no setting but the given ones."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(code)],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        | {"PYTHONPATH": import_path(directory)}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(directory: Path, code: str, **environment: str) -> tuple[str, str]:
    """Run a program to its end, and return what it printed and what it logged."""
    process = start(directory, code, **environment)
    printed, logged = process.communicate(timeout=120)
    assert process.returncode == 0, logged
    return printed, logged
