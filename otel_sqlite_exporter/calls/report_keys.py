"""What a report can be found by: every two reports that fit have a key in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from otel_sqlite_exporter.calls.report import folded, is_telling, model_stem

if TYPE_CHECKING:
    from otel_sqlite_exporter.calls.report import CallReport

Key: TypeAlias = tuple[object, ...]
"""A fact's name and its value."""

Questions: TypeAlias = tuple[tuple[Key, ...], ...]
"""Keys to look under, the most telling first: what is found under the first ones is better than any later find."""


def keys_of(report: CallReport) -> tuple[tuple[Key, ...], Questions]:
    """Return the keys under which a report is put, and those to look under for the other reports of its call."""
    certain = _certain(report)
    weak = _weak(report)
    stems = _stems(report)
    asked: list[tuple[Key, ...]] = [(key,) for key in certain]
    filed = certain
    has_prompt = report.prompt is not None
    if report.prompt is not None:
        prompt = folded(report.prompt)
        named: list[Key] = [("prompt", stem, prompt) for stem in stems]
        nameless: Key = ("prompt", None, prompt)
        asked.append((*named, nameless))
        filed = filed + (named or [nameless])
    if weak:
        asked.append(tuple(weak))
        filed = filed + weak
    rest: list[Key] = [("rest", stem, has_prompt) for stem in stems]
    asked.append(tuple([("rest", stem, False) for stem in stems]))
    if not has_prompt:
        asked.append(tuple([("rest", stem, True) for stem in stems]))
    return tuple(dict.fromkeys(filed + rest)), tuple(asked)


def _certain(report: CallReport) -> list[Key]:
    keys: list[Key] = []
    if report.response_id:
        keys.append(("id", report.response_id))
    if report.parent_span_id is not None:
        keys.append(("sibling", report.key[0], report.parent_span_id))
    return keys


def _weak(report: CallReport) -> list[Key]:
    """Return keys that can be those of calls with other words for the prompt, or another model's name."""
    keys: list[Key] = []
    if report.answer is not None and is_telling(report.answer):
        keys.append(("answer", folded(report.answer)))
    if report.has_counts:
        keys += _counts(report)
    if report.is_failed:
        keys.append(("failed", report.provider))
    return keys


def _stems(report: CallReport) -> list[str]:
    asked, answered = report.request_model, report.response_model
    if asked and answered and asked != answered:
        return list(dict.fromkeys((model_stem(asked), model_stem(answered))))
    name = asked or answered
    return [model_stem(name)] if name else []


def _counts(report: CallReport) -> list[Key]:
    """Return the token counts, and what they are with and without those that not every layer counts in."""
    ins, outs = report.input_tokens or None, report.output_tokens or None
    keys: list[Key] = [("counts", ins, outs)]
    if ins and report.cached_tokens:
        keys += [("counts", ins - report.cached_tokens, outs), ("counts", ins + report.cached_tokens, outs)]
    if outs and report.reasoning_tokens:
        keys += [("counts", ins, outs - report.reasoning_tokens), ("counts", ins, outs + report.reasoning_tokens)]
    return keys
