"""A draft of what a card lacks: missing sections with traced facts, questions in comments for all else.

A draft only inserts lines. Every fact stands behind the name of the file that it is from, every question in a comment
that readers of the page do not see. A marker in it says what was drafted, so that drafting twice adds nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.advice.facts import Traced, facts_for, hints_for
from tasks.advice.layout import Layout, is_title, layout_of
from tasks.advice.loading import TracedKey, keys_of
from tasks.advice.rule import Reading, read
from tasks.advice.wording import wording
from tasks.cards.front_matter import Metadata
from tasks.cards.one_line import one_line
from tasks.cards.parse import Card, parse_card
from tasks.cards.taxonomy import sections_named
from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.judges.checks import CHECKS
from tasks.rubric import load_rubric

_DETAILS_MIN = 3  # facts that make a section beside an introduction
_MARKER = re.compile(r"cardiograph: draft ([a-z_]{1,40})\)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class CardDraft:
    """The text with what was inserted: `keys` of the front matter, `filled` sections with facts, `asked` ones without.

    A section is asked for where no file tells anything about it: its heading stands in the comment with the question.
    """

    text: str
    keys: tuple[TracedKey, ...] = ()
    filled: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftGain:
    """What the checklist says of a card and of its draft. `gained` and `lost` are ids of checks."""

    before: float | None
    after: float | None
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines to insert before a line of the card; `section` is empty for the front matter."""

    line: int
    section: str
    lines: tuple[str, ...]
    has_heading: bool = False
    is_filled: bool = False


# ------------------------------------------------------------------------------------------------- drafting


def drafted(reading: Reading) -> CardDraft:
    """The card with what it lacks. Raises `UsageError` where nothing can be inserted without changing what is there."""
    _check_readable(reading)
    keys = tuple(_insertable(reading))
    layout = layout_of(reading)
    for at_end in (False, True):
        pieces = list(_pieces(reading, layout, at_end=at_end))
        text = _inserted(reading.subject.text, [*_front_pieces(reading, keys), *pieces])
        if _reads_the_same(reading.evidence.card, parse_card(text), keys, pieces):
            return CardDraft(
                text,
                keys,
                tuple(piece.section for piece in pieces if piece.is_filled),
                tuple(piece.section for piece in pieces if not piece.is_filled),
            )
    raise UsageError(
        f"{one_line(reading.subject.name)}: a comment, a block of code or a hidden element does not end,"
        " so that nothing can be added behind it; close it first"
    )


def gain(before: Reading, draft: CardDraft) -> DraftGain:
    """The scores of the checklist on both, and the checks that make the difference."""
    after = read(replace(before.subject, text=draft.text), before.base_cards)
    first, second = ChecklistJudge().score_evidence(
        [(each.subject.card, each.evidence) for each in (before, after)]
    )
    return DraftGain(
        first.score,
        second.score,
        tuple(check for check in second.passed if check not in first.passed),
        tuple(check for check in first.passed if check not in second.passed),
    )


def _check_readable(reading: Reading) -> None:
    name, card = one_line(reading.subject.name), reading.evidence.card
    if not reading.subject.is_utf8:
        raise UsageError(f"{name}: not UTF-8; save it as UTF-8 before --draft")
    if error := card.front_matter.error:
        raise UsageError(
            f"{name}: the front matter cannot be read ({one_line(error)}); mend it before --draft"
        )
    front = reading.places.front
    if front and front[1] == front[0] + 1:  # huggingface_hub reads on to the next fence
        raise UsageError(
            f"{name}: the front matter is empty; mend it before --draft: fill it, or take it out"
        )
    if card.is_truncated:
        raise UsageError(f"{name}: too long to be read to its end; shorten it before --draft")


# --------------------------------------------------------------------------------------------- front matter


def _insertable(reading: Reading) -> Iterator[TracedKey]:
    """The keys that files give, unless the card's beginning is such that a key might be read in another way."""
    front = reading.evidence.card.front_matter
    is_odd = front.is_closed != (reading.places.front is not None) or reading.subject.text[:1] == "\ufeff"
    for key in () if is_odd else keys_of(reading):
        pieces = _front_pieces(reading, (key,))
        after = parse_card(_inserted(reading.subject.text, pieces)).front_matter
        if after.error is None and after.metadata == _with(front.metadata, (key,)):
            yield key


def _with(metadata: Metadata, keys: Collection[TracedKey]) -> Metadata:
    return {**metadata, **{key.key: key.value for key in keys}}


def _front_pieces(reading: Reading, keys: Sequence[TracedKey]) -> list[_Piece]:
    if not keys:
        return []
    lines = tuple(f"{key.key}: {key.value}  # from {key.source}" for key in keys)
    if front := reading.places.front:
        return [_Piece(front[1], "", lines)]
    return [_Piece(1, "", ("---", *lines, "---"))]


# ------------------------------------------------------------------------------------------------- sections


def _pieces(reading: Reading, layout: Layout, *, at_end: bool) -> Iterator[_Piece]:
    """What is inserted, in the usual order of sections."""
    named, marked = _named(reading, layout), set(_MARKER.findall(reading.subject.text))
    is_introduced = "description" in reading.evidence.parts
    for section, question in _questions().items():
        facts = facts_for(section, reading)
        if section in marked or _is_told(section, facts, reading):
            continue
        if section in named:
            place = layout.empty_place(section)
            if facts and place is not None and section not in reading.evidence.parts:
                yield _Piece(place, section, _beneath(section, facts, question, reading), is_filled=True)
        elif facts or section not in reading.evidence.parts:
            place = layout.last if at_end else layout.place_for(section)
            heading = layout.heading(section, is_introduced=is_introduced)
            left = "" if section in reading.evidence.parts or section == "license" else question
            lines = (
                (*heading, "", *_beneath(section, facts, left, reading))
                if facts
                else _asked(section, heading, question, reading)
            )
            yield _Piece(place, section, lines, has_heading=bool(facts), is_filled=bool(facts))


def _is_told(section: str, facts: Sequence[Traced], reading: Reading) -> bool:
    """Whether the text says it already, so that a section of little more than a name would only hide that."""
    if section == "description" and section in reading.evidence.parts:
        return sum(len(fact.lines) for fact in facts) < _DETAILS_MIN
    return section == "training_data" and CHECKS["data_described"](reading.evidence)


def _questions() -> Mapping[str, str]:
    """Questions by section, in the order of the rubric."""
    asked = wording()["questions"]
    return {section.id: asked[section.id] for section in load_rubric().sections if section.id in asked}


def _named(reading: Reading, layout: Layout) -> set[str]:
    """Sections that a heading announces, in Markdown, in HTML or in disguise."""
    titled = [section for section in reading.evidence.card.sections if section.title]
    skipped = 1 if titled and is_title(titled[0].level, titled[0].title) else 0
    names = {name for section in titled[skipped:] for name in sections_named(section.title)}
    return names | {name for stop in layout.stops for name in stop.sections}


def _beneath(section: str, facts: Sequence[Traced], question: str, reading: Reading) -> tuple[str, ...]:
    """Facts, each group behind a comment with its source, and the question that they leave open, if any."""
    groups = [(f"<!-- from {fact.source} -->", *fact.lines) for fact in facts]
    groups += [(f"<!-- {_question(section, question, reading)} -->",)] if question else []
    first, *others = groups
    return (*first, *(line for group in others for line in ("", *group)))


def _asked(section: str, heading: Sequence[str], question: str, reading: Reading) -> tuple[str, ...]:
    """A section of which nothing is known: all of it stands in a comment, so that no page shows an empty heading."""
    first, *others = heading
    return (f"<!-- {first}", *others, "", _question(section, question, reading), "-->")


def _question(section: str, question: str, reading: Reading) -> str:
    words = " ".join((question, *hints_for(section, reading)))
    return f"TODO author (cardiograph: draft {section}): {words}"


# ------------------------------------------------------------------------------------------------ insertion


def _inserted(text: str, pieces: Sequence[_Piece]) -> str:
    """The text with the pieces before their lines, set off by blank lines; no line of it changes but a missing end."""
    lines = _LINE.findall(text)
    first_end = _LINE_END.search(text)
    end = first_end[0] if first_end else "\n"
    made: list[str] = []
    for n in range(1, len(lines) + 2):
        own = [piece for piece in pieces if piece.line == n]
        if own and made and not _LINE_END.search(made[-1]):
            made[-1] += end
        behind = lines[n - 1] if n <= len(lines) else ""
        for piece in own:
            is_set_off = bool(piece.section)
            if is_set_off and made and made[-1].strip():
                made.append(end)
            made += [line + end for line in piece.lines]
        if own and behind.strip() and (own[-1].section or own[-1].lines[0] == "---"):
            made.append(end)
        made += lines[n - 1 : n]
    return "".join(made)


def _reads_the_same(before: Card, after: Card, keys: Sequence[TracedKey], pieces: Sequence[_Piece]) -> bool:
    """Whether a parser finds all that was there, and all that was inserted, and nothing else."""
    shown = [piece for piece in pieces if piece.has_heading]
    titles = Counter(section.title for section in before.sections if section.title)
    titles += Counter(piece.lines[0].lstrip("# ") for piece in shown)
    comments = Counter(comment for piece in pieces for comment in _comments("\n".join(piece.lines)))
    return (
        after.metadata == _with(before.metadata, keys)
        and after.front_matter.error is None
        and not after.is_truncated
        and titles == Counter(section.title for section in after.sections if section.title)
        and not Counter(code.text for code in before.codes) - Counter(code.text for code in after.codes)
        and not Counter(before.blocks) - Counter(after.blocks)
        and Counter(after.comments) == Counter(before.comments) + comments
        and after.hidden == before.hidden
    )


def _comments(markdown: str) -> list[str]:
    """As the parser gives them."""
    return list(parse_card(markdown).comments)
