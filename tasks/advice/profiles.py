"""The findings about a card, in the order of somebody's list of what documentation holds: `profiles.toml` read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tasks.advice.advising import Advice
from tasks.advice.rule import Notice, Reading, read
from tasks.judges.metadata import has_value
from tasks.rubric import load_rubric

ItemStatus = Literal["found", "partly", "missing", "not covered"]
ITEM_STATUSES: tuple[ItemStatus, ...] = ("found", "partly", "missing", "not covered")
_FILE = Path(__file__).with_name("profiles.toml")
_TEXT_CHARACTERS_MAX = 500_000  # of a card that is searched for words


@dataclass(frozen=True, slots=True)
class ProfileItem:
    """One thing that a list asks for. `needs`: what shows it, each by any of its alternatives; empty for nothing here.

    `unseen`: what of it no check sees, in words, empty where there is nothing to add.
    """

    part: str
    point: str
    asks: str
    needs: tuple[tuple[str, ...], ...]
    against: frozenset[str]
    unseen: str


@dataclass(frozen=True, slots=True)
class ProfileList:
    """A list of items from one source; `parts` are the titles of its parts, `words` patterns with what to write."""

    title: str
    source: str
    published: str
    scope: str
    parts: Mapping[str, str]
    items: tuple[ProfileItem, ...]


@dataclass(frozen=True, slots=True)
class ItemFinding:
    """What a card shows of an item. `missing`: the needs that are not met, each with what to write.

    `against`: notices of rules that speak against what is shown.
    """

    item: ProfileItem
    status: ItemStatus
    shown: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    against: tuple[Notice, ...]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def eu_ai_act() -> ProfileList:
    """Annex XI, section 1, and Annex XII of Regulation (EU) 2024/1689."""
    raw = _table()["eu-ai-act"]
    items = tuple(
        ProfileItem(
            entry["part"],
            entry["point"],
            entry["asks"],
            tuple(tuple(need) for need in entry["needs"]),
            frozenset(entry.get("against", ())),
            entry.get("unseen", ""),
        )
        for entry in raw["items"]
    )
    return ProfileList(raw["title"], raw["source"], raw["published"], raw["scope"], raw["parts"], items)


@cache
def words() -> dict[str, tuple[re.Pattern[str], str]]:
    """Patterns in a card's text by their names, and what to write for each."""
    return {
        name: (re.compile(entry["pattern"]), entry["advice"]) for name, entry in _table()["words"].items()
    }


def spdx_of(license_: str) -> str | None:
    """The SPDX identifier of a license of the Hub; null where SPDX has none, or the table is silent."""
    found = _table()["spdx"].get(license_)
    return found if isinstance(found, str) else None


def findings(advice: Advice, profile: ProfileList) -> list[ItemFinding]:
    """What a card shows of each item."""
    reading = read(advice.subject)
    seen = _Seen(reading, _passed(advice), _text_of(reading))
    return [_finding(item, seen, advice.notices) for item in profile.items]


def _passed(advice: Advice) -> frozenset[str]:
    """The checks that passed; one that is switched off was not looked at."""
    if advice.score is None:
        return frozenset()
    failed = {each.check for each in advice.checks}
    return frozenset(check.id for check in load_rubric().checks) - failed - advice.ignored


def _text_of(reading: Reading) -> str:
    """What is searched for words: prose and the cells of tables, in small letters."""
    cells = (" ".join(row) for table in reading.evidence.card.tables for row in table.rows)
    return "\n".join([reading.evidence.prose, *cells])[:_TEXT_CHARACTERS_MAX].casefold()


@dataclass(frozen=True, slots=True)
class _Seen:
    reading: Reading
    passed: frozenset[str]
    text: str

    def shows(self, need: str) -> bool:
        kind, _, name = need.partition(":")
        if kind == "check":
            return name in self.passed
        if kind == "key":
            return has_value(self.reading.metadata.get(name))
        if kind == "section":
            return name in self.reading.evidence.parts
        return bool(words()[name][0].search(self.text))


def _finding(item: ProfileItem, seen: _Seen, notices: Sequence[Notice]) -> ItemFinding:
    met = [next(filter(seen.shows, need), None) for need in item.needs]
    missing = tuple(
        (need[0], what_to_write(need[0])) for need, how in zip(item.needs, met, strict=True) if not how
    )
    against = tuple(notice for notice in notices if notice.rule in item.against)
    shown = tuple(filter(None, met))
    return ItemFinding(item, _status(item, shown, missing, against), shown, missing, against)


def _status(
    item: ProfileItem, shown: Sequence[str], missing: Sequence[object], against: Sequence[Notice]
) -> ItemStatus:
    if not item.needs:
        return "not covered"
    if not shown:
        return "missing"
    return "partly" if missing or against else "found"


def what_to_write(need: str) -> str:
    """What a publisher writes so that a need is met."""
    kind, _, name = need.partition(":")
    rubric = load_rubric()
    if kind == "check":
        return next(check.advice for check in rubric.checks if check.id == name)
    if kind == "key":
        return f"Add `{name}:` to the front matter."
    if kind == "section":
        return next(f"Add a section '{section.title}'." for section in rubric.sections if section.id == name)
    return words()[name][1]


# --------------------------------------------------------------------------------------------------- forms


def as_object(advice: Advice, profile: ProfileList) -> dict[str, Any]:
    """The findings for programs; docs/advice.md describes the fields."""
    return {
        "schema": 1,
        "profile": "eu-ai-act",
        "source": profile.source,
        "published": profile.published,
        "is_legal_advice": False,
        "card": advice.subject.name,
        "judge": advice.judge,
        "items": [
            {
                "part": profile.parts[each.item.part],
                "point": each.item.point,
                "asks": each.item.asks,
                "status": each.status,
                "shown": list(each.shown),
                "missing": [{"need": need, "advice": text} for need, text in each.missing],
                "against": [{"rule": n.rule, "line": n.line, "message": n.message} for n in each.against],
                "unseen": each.item.unseen or None,
            }
            for each in findings(advice, profile)
        ],
    }


def lines_of_profile(advice: Advice, profile: ProfileList) -> Iterator[str]:
    """The findings as lines of text."""
    found = findings(advice, profile)
    yield f"{profile.title}: what this card shows. A reading aid and no legal advice."
    yield profile.scope
    yield f"{profile.source} ({profile.published})"
    for part, title in profile.parts.items():
        yield from ("", title)
        for each in found:
            if each.item.part == part:
                yield from _lines_of(each)
    counts = ", ".join(f"{sum(each.status == name for each in found)} {name}" for name in ITEM_STATUSES)
    yield from ("", f"{counts}. `found`: a check sees it; whether it suffices, only a person can say.")


def _lines_of(finding: ItemFinding) -> Iterator[str]:
    yield f"  {finding.status:<11} {finding.item.point:<5} {finding.item.asks}"
    indent = " " * 20
    yield from (f"{indent}→ {text}  [{need}]" for need, text in finding.missing)
    yield from (f"{indent}! line {n.line}: {n.message}  [{n.rule}]" for n in finding.against)
    if finding.item.unseen:
        yield f"{indent}not checked: {finding.item.unseen}"
