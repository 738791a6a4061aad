"""The label-free passport for people: tables of what moved, by criterion, check, edit and language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.passport.metamorphic.trials import ALIKE
from tasks.passport.passport import find
from tasks.passport.reading import Line, figure_of, interval_of
from tasks.passport.sheet import OVERALL
from tasks.records import PassportEntry
from tasks.rubric import load_rubric
from tasks.sentences.numbers import percent, signed

_ALIKE_WORDS = {
    "order of sections": "sections in another order",
    "style of headings": "headings styled otherwise",
    "heading": "another heading, same meaning",
    "translation": "another language, same meaning",
}


def evidence_tables(entries: Sequence[PassportEntry]) -> list[tuple[str, list[Line]]]:
    """Titles and rows, in the order in which they are read; what was not measured is left out."""
    tried = [entry for entry in entries if entry.is_label_free]
    every = [
        ("What it notices, by criterion", _criteria(tried)),
        ("What it notices, by check", _checks(tried)),
        ("What it notices, by edit", _named(tried, "edit:")),
        ("What it notices, by the language of what was put in", _named(tried, "language:")),
        ("Pairs of the same meaning: checks answered alike", _alike(tried)),
        ("What sways it, in points and in its own standard deviations", _sway(tried)),
    ]
    return [(title, lines) for title, lines in every if lines]


def _line(name: str, entry: PassportEntry | None, meaning: str) -> list[Line]:
    """One row, none where nothing was measured."""
    if entry is None or not entry.n:
        return []
    told = meaning if entry.estimate is not None else entry.detail or ""
    return [Line(name, figure_of(entry), interval_of(entry), entry.n, told)]


def _stirred(tried: Sequence[PassportEntry], subject: str) -> str:
    stirred = find(tried, "evidence", "share_stirred", subject)
    if stirred is None or stirred.estimate is None:
        return ""
    return f"moved by other edits {percent(stirred.estimate)}"


def _moved(tried: Sequence[PassportEntry], subject: str, name: str, more: str = "") -> list[Line]:
    told = ", ".join(filter(None, (_stirred(tried, subject), more)))
    return _line(name, find(tried, "evidence", "share_moved", subject), told)


def _criteria(tried: Sequence[PassportEntry]) -> list[Line]:
    lines = _moved(tried, OVERALL, "all checks")
    for criterion in load_rubric().criteria:
        points, effect = (
            find(tried, "evidence", name, criterion.id) for name in ("level_difference", "effect_size")
        )
        gain = f"level {_signed(points)} with evidence ({_signed(effect)} SD)" if points else ""
        lines += _moved(tried, criterion.id, criterion.title, gain)
    return lines


def _signed(entry: PassportEntry | None) -> str:
    return signed(entry.estimate if entry else None)


def _checks(tried: Sequence[PassportEntry]) -> list[Line]:
    return [line for check in load_rubric().checks for line in _moved(tried, check.id, check.words)]


def _named(tried: Sequence[PassportEntry], prefix: str) -> list[Line]:
    subjects = dict.fromkeys(e.subject for e in tried if e.subject.startswith(prefix))
    rows = (_moved_or_stirred(tried, subject, subject.removeprefix(prefix)) for subject in subjects)
    return [line for lines in rows for line in lines]


def _moved_or_stirred(tried: Sequence[PassportEntry], subject: str, name: str) -> list[Line]:
    """What must move, with what must not beside it; only the latter for an edit that only looks like evidence."""
    if lines := _moved(tried, subject, name):
        return lines
    stirred = find(tried, "evidence", "share_stirred", subject)
    return _line(f"{name} (must move nothing)", stirred, "moved by it")


def _alike(tried: Sequence[PassportEntry]) -> list[Line]:
    lines: list[Line] = []
    for name in ALIKE:
        apart = find(tried, "invariance", "mean_distance", name)
        told = f"scores {apart.estimate:.2f} points apart" if apart and apart.estimate is not None else ""
        lines += _line(_ALIKE_WORDS[name], find(tried, "invariance", "share_same", name), told)
    return lines


def _sway(tried: Sequence[PassportEntry]) -> list[Line]:
    rows: Iterable[tuple[str, str, str, str]] = (
        ("spread of its scores", "standard_deviation", OVERALL, "points, over the cards as they are"),
        ("padding", "mean_rise", "padding", "points"),
        ("padding, in its spread", "mean_rise_sds", "padding", "standard deviations"),
        ("attacks", "mean_rise", "attack", "points"),
        ("attacks, in its spread", "mean_rise_sds", "attack", "standard deviations"),
        ("attacks that gain", "share_raised", "attack", "half a point or more"),
    )
    found = (
        _line(name, find(tried, "sway", measure, subject), told) for name, measure, subject, told in rows
    )
    return [line for lines in found for line in lines]
