"""A month of a small company: support chats, a coding agent, research with sources, a batch of tickets."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from otel_sqlite_exporter.demo import texts
from otel_sqlite_exporter.demo.calls import GEMINI, GPT, GPT_MINI, SONNET, Scene, answers, asks, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

    from otel_sqlite_exporter.demo.calls import Message, Model

_HOUR: Final = 3_600_000_000_000
_DAY: Final = 24 * _HOUR
_USERS: Final = ("ada", "grace", "edsger", "barbara", "linus", "margaret")
_IMAGE: Final = "iVBORw0KGgo" + "A" * 12_000


def play(tracer: Tracer, end: int, days: int) -> None:
    """End the spans of a month.

    Args:
        tracer: Starts them.
        end: When the last of them ends, about: Unix time in nanoseconds.
        days: How many days before that the first one starts.
    """
    dice = random.Random(20261134)  # noqa: S311 - the same file every time, no secret
    scenes: tuple[tuple[Callable[[Scene], None], int], ...] = (
        (_support, 3),
        (_research, 2),
        (_tickets, 1),
        (_fixer, 1),
    )
    starts: list[tuple[int, Callable[[Scene], None]]] = []
    for day in range(days):
        is_weekend = day % 7 in {2, 3}
        for scene, most in scenes:
            starts += [
                (end - day * _DAY - int(dice.uniform(0.4, 9) * _HOUR), scene)
                for _ in range(dice.randint(0, 1) if is_weekend else dice.randint(1, most))
            ]
    # The last hour has one of everything, for a first look.
    starts += [
        (end - minutes * _HOUR // 60, scene)
        for minutes, scene in ((19, _tickets), (14, _research), (9, _support), (3, _fixer))
    ]
    for start, scene in sorted(starts, key=lambda item: item[0]):
        scene(Scene(tracer, start, dice))


def _support(scene: Scene) -> None:
    """Answer a customer, turn by turn; now and then with other instructions, a picture or a failing refund."""
    dice = scene.dice
    order = f"F-{dice.randint(10_000, 99_999)}"
    scene.shared = {
        "gen_ai.conversation.id": scene.id_of("chat")[:13],
        "user.id": dice.choice(_USERS),
        "gen_ai.agent.name": "support",
    }
    model = dice.choice((GPT_MINI, GPT_MINI, GEMINI))
    tools = (texts.LOOKUP_ORDER, texts.REFUND)
    history: list[Message] = []
    first = dice.randint(0, 3)
    for number in range(dice.randint(2, 6)):
        question, answer = texts.SUPPORT_TURNS[(first + number) % len(texts.SUPPORT_TURNS)]
        parts: list[dict[str, object] | str] = [question.format(order=order)]
        if "zip" in question:
            parts.append({"type": "blob", "modality": "image", "mime_type": "image/png", "content": _IMAGE})
        history.append(said("user", *parts))
        # Somebody has put other instructions into production: from here on nothing is cached.
        system = texts.SUPPORT_SYSTEM_SHORT if number == 3 and order.endswith("7") else texts.SUPPORT_SYSTEM  # noqa: PLR2004 - the fourth turn
        with scene.step("invoke_agent support", {"gen_ai.operation.name": "invoke_agent"}) as span:
            if number == 0 or "broken" in question:
                history += _look_up(scene, model, history, system, order)
            if dice.random() < 0.05:  # noqa: PLR2004 - one in twenty
                message = texts.RATE_LIMIT.format(model=model.name)
                scene.chat(model, history, None, system=system, tools=tools, failure=("RateLimitError", message, 0.3))
                scene.wait(1.3)
            cached = 0 if number == 0 else 256 * number
            scene.chat(
                model, history, said("assistant", answer), system=system, tools=tools, cached=cached, is_streamed=True
            )
            history.append(said("assistant", answer))
            if "Replacement" in question and dice.random() < 0.4:  # noqa: PLR2004
                scene.tool(
                    "refund",
                    scene.id_of("call"),
                    {"order": order, "amount": 249.0},
                    None,
                    seconds=0.2,
                    failure=("PermissionError", "refunds above 200 EUR need a colleague"),
                )
                scene.fail(span, "PermissionError", "refunds above 200 EUR need a colleague")
        scene.wait(40)


def _look_up(scene: Scene, model: Model, history: list[Message], system: str, order: str) -> list[Message]:
    """Let the model ask for an order, and return what that adds to the conversation."""
    call_id = scene.id_of("call")
    wish = said("assistant", asks(call_id, "lookup_order", {"order": order}))
    scene.chat(
        model,
        history,
        wish,
        system=system,
        tools=(texts.LOOKUP_ORDER, texts.REFUND),
    )
    found = {"order": order, "status": "shipped", "items": [{"name": "Tent Nunatak 2", "price": 249.0}]}
    scene.tool("lookup_order", call_id, {"order": order}, found, seconds=0.12)
    return [wish, said("tool", answers(call_id, found))]


def _fixer(scene: Scene) -> None:
    """Repair a failing test: read, edit, run, and let another agent look at it."""
    dice = scene.dice
    scene.shared = {"user.id": dice.choice(_USERS[:2]), "gen_ai.agent.name": "fixer"}
    tools = (texts.READ_FILE, texts.EDIT_FILE, texts.RUN_TESTS)
    history = [said("user", "tests/test_total.py fails since yesterday. Fix it, please.")]
    edit: dict[str, object] = {"path": "shop/total.py", "old": "lines[1:]", "new": "lines"}
    plan: tuple[tuple[str, dict[str, object], str, float], ...] = (
        ("run_tests", {"path": "tests/test_total.py"}, texts.FAILING_TESTS, 2.1),
        ("read_file", {"path": "shop/total.py"}, texts.BROKEN_CODE, 0.01),
        ("edit_file", edit, "replaced 1 occurrence", 0.01),
        ("run_tests", {"path": "tests"}, texts.PASSING_TESTS, 2.4),
    )
    with scene.step(
        "invoke_agent fixer", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "fixer"}
    ) as span:
        if dice.random() < 0.12:  # noqa: PLR2004 - one in eight
            scene.chat(
                GPT,
                history,
                None,
                system=texts.FIXER_SYSTEM,
                tools=tools,
                failure=("APITimeoutError", texts.TIMEOUT, 30.0),
            )
            scene.fail(span, "APITimeoutError", texts.TIMEOUT)
            return
        cached = 0
        for name, arguments, result, seconds in plan:
            call_id, outcome = scene.id_of("call"), result
            wish = said(
                "assistant",
                {"type": "reasoning", "content": f"Next: {name.replace('_', ' ')}."},
                asks(call_id, name, arguments),
            )
            scene.chat(GPT, history, wish, system=texts.FIXER_SYSTEM, tools=tools, cached=cached, reasoning=64)
            cached = 512
            if name == "edit_file" and dice.random() < 0.3:  # noqa: PLR2004
                scene.tool(
                    name,
                    call_id,
                    arguments,
                    None,
                    seconds=seconds,
                    failure=("ToolError", "shop/total.py: the piece occurs twice"),
                )
                outcome = "error: the piece occurs twice"
            else:
                scene.tool(name, call_id, arguments, result, seconds=seconds)
            history += [wish, said("tool", answers(call_id, outcome))]
        with scene.step(
            "invoke_agent reviewer", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "reviewer"}
        ):
            change = said("user", "```diff\n-    for line in lines[1:]\n+    for line in lines\n```")
            scene.shared["gen_ai.agent.name"] = "reviewer"
            scene.chat(SONNET, [change], said("assistant", "looks good"), system=texts.REVIEWER_SYSTEM)
        scene.shared["gen_ai.agent.name"] = "fixer"
        done = said("assistant", "Fixed: `total()` skipped the first line of an order. All 13 tests pass now.")
        scene.chat(GPT, history, done, system=texts.FIXER_SYSTEM, tools=tools, cached=1024, is_streamed=True)


def _research(scene: Scene) -> None:
    """Answer a question from passages that were found for it."""
    dice = scene.dice
    question, answer, thought = dice.choice(texts.RESEARCH)
    passages = dice.sample(texts.PASSAGES, 3)
    scene.shared = {
        "user.id": dice.choice(_USERS),
        "gen_ai.conversation.id": scene.id_of("thread")[:15],
        "gen_ai.agent.name": "librarian",
    }
    with scene.step(
        "invoke_agent librarian", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "librarian"}
    ):
        scene.embed([question])
        scene.retrieve(question, passages)
        sources = "\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, 1))
        scene.chat(
            SONNET,
            [said("user", f"{question}\n\n{sources}")],
            said("assistant", {"type": "reasoning", "content": thought}, answer),
            system=texts.RESEARCH_SYSTEM,
            reasoning=len(thought) // 4,
            is_streamed=True,
        )


def _tickets(scene: Scene) -> None:
    """Sort a pile of tickets, without an agent and without a parent."""
    for ticket, label in scene.dice.sample(texts.TICKETS, 5):
        is_limited = scene.dice.random() < 0.08  # noqa: PLR2004 - one in twelve
        message = texts.RATE_LIMIT.format(model=GPT_MINI.name)
        scene.chat(
            GPT_MINI,
            [said("user", ticket)],
            None if is_limited else said("assistant", label),
            system=texts.CLASSIFY_SYSTEM,
            failure=("RateLimitError", message, 0.2) if is_limited else None,
        )
        scene.wait(0.1)
