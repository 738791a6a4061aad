"""`cardiograph label`: a person scores cards, blind to what a judge says of them and to how popular they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.segment import Segment, Segments
from rich.text import Text

from tasks.cards.front_matter import split_front_matter
from tasks.passport import diary
from tasks.passport.passport import SEED
from tasks.passport.sample import draw_sample
from tasks.passport.sheet import OVERALL, subjects
from tasks.records import CardText
from tasks.rubric import LEVELS, Criterion, load_rubric

TEXTS = 50
CARD_CHARACTERS = 24_000  # what a person reads before scoring; much more than a judge model is shown
_KEYS = "1-5 · Enter: go on reading · t: top · r: source · ?: scale · s: skip · b: back · q: quit"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_CONTROLS = frozenset({"Cc", "Cs"})

# What a person may answer besides marks.
QUIT, BACK, SKIP = "q", "b", "s"


def label(
    labels: Path,
    home: Path,
    *,
    n: int = TEXTS,
    rater: str,
    judge: str | None = None,
    seed: int = SEED,
    by_criterion: bool = False,
) -> None:
    """Ask for scores in the terminal until `n` texts are labelled, and write each down at once."""
    done = diary.labelled_by(labels, rater)
    sample = draw_sample(home, max(0, n - len(done)), seed=seed, judge=judge, without=done)
    if not sample.texts:
        typer.echo(
            f"{len(done):,} texts are labelled or skipped in {labels}; nothing is left. --n asks for more."
        )
        return
    typer.echo(f"{len(sample.texts):,} texts, drawn by {sample.basis}, {len(done):,} done before. {_KEYS}")
    asked = subjects()[1:] + subjects()[:1] if by_criterion else (OVERALL,)
    answered = _go_through(sample.texts, labels, rater, asked)
    typer.echo(f"\n{answered:,} answers written to {labels}. Then: cardiograph calibrate {labels}")


def export(path: Path, home: Path, *, n: int, rater: str, judge: str | None, seed: int) -> None:
    """Write the sample for a spreadsheet."""
    sample = draw_sample(home, n, seed=seed, judge=judge)
    diary.export(path, sample.texts, rater)
    typer.echo(
        f"{len(sample.texts):,} texts, drawn by {sample.basis}, written to {path}. Fill in 'score' (1-5), and the "
        f"criteria if you like; save as CSV. Then: cardiograph calibrate {path}"
    )


def take_in(path: Path, labels: Path, rater: str) -> None:
    """Add a spreadsheet's answers to the labels."""
    taken, blank = diary.take_in(path, labels, rater)
    typer.echo(f"{taken:,} answers added to {labels}; {blank:,} rows were blank")


def _go_through(texts: Sequence[CardText], labels: Path, rater: str, asked: Sequence[str]) -> int:
    """One text after the other, back where wished; returns how many answers were written."""
    console, at, answered = Console(highlight=False), 0, 0
    while at < len(texts):
        answer = _ask_all(console, texts[at], f"Card {at + 1} of {len(texts)}", asked)
        if answer == QUIT:
            break
        if answer == BACK:
            at = max(0, at - 1)
            continue
        marks = answer if isinstance(answer, dict) else {}
        diary.append(labels, texts[at].card_hash, rater, marks)
        answered, at = answered + bool(marks), at + 1
    return answered


def _ask_all(console: Console, card: CardText, heading: str, asked: Sequence[str]) -> dict[str, float] | str:
    """The marks of a card by subject, or what the person wants instead; back leads to the subject before, first."""
    reader = _Reader(console, card, heading)
    reader.show()
    marks: dict[str, float] = {}
    at = 0
    while at < len(asked):
        answer = _ask(console, reader, asked[at])
        if answer == BACK and at:
            at -= 1
        elif isinstance(answer, str):
            return answer
        else:
            marks[asked[at]] = answer
            at += 1
    return marks


def _ask(console: Console, reader: _Reader, subject: str) -> float | str:
    """One mark, or quit, back or skip; whatever else is typed is answered here."""
    while True:
        word = _read(f"{_title(subject)} (1-5, ? for the scale): ")
        if word in (QUIT, BACK, SKIP):
            return word
        if (mark := mark_of(word)) is not None:
            return mark
        if word == "?":
            _show_scale(console, subject)
        elif word in reader.moves:
            reader.moves[word]()
        else:
            console.print(f"'{safe(word)[:20]}' is no answer. {_KEYS}", markup=False)


def _read(prompt: str) -> str:
    """What the person types, without blanks; the end of the input means quit."""
    try:
        return input(prompt).strip().lower()
    except EOFError:
        return QUIT


def mark_of(word: str) -> float | None:
    """A mark from 1 to 5, with a point or a comma; null for anything else."""
    if not re.fullmatch(r"[1-5](?:[.,]\d{1,3})?", word, re.ASCII):
        return None
    mark = float(word.replace(",", "."))
    return mark if mark <= LEVELS[-1] else None


class _Reader:
    """A card on the screen, page by page."""

    def __init__(self, console: Console, card: CardText, heading: str) -> None:
        self._console = console
        self._card = card
        self._heading = heading
        self._is_source = False
        self._at = 0
        self._pages = self._rendered()
        self.moves: Mapping[str, Callable[[], None]] = {"": self._go_on, "t": self._top, "r": self._turn}

    def show(self) -> None:
        """The page that it is open at."""
        told = f"{self._heading}, page {self._at + 1} of {len(self._pages)}"
        self._console.rule(told, style="dim")
        self._console.print(Segments(self._pages[self._at]), end="")
        if self._at + 1 < len(self._pages):
            self._console.rule("Enter goes on", style="dim")

    def _go_on(self) -> None:
        if self._at + 1 == len(self._pages):
            self._console.print("That was the last page. t goes to the top.")
            return
        self._at += 1
        self.show()

    def _top(self) -> None:
        self._at = 0
        self.show()

    def _turn(self) -> None:
        self._is_source = not self._is_source
        self._pages = self._rendered()
        self._top()

    def _rendered(self) -> list[list[Segment]]:
        size = self._console.size
        return pages(self._console, shown(self._card.card_text, as_source=self._is_source), size.height - 4)


def shown(text: str, *, as_source: bool) -> Group:
    """A card as a person reads it: front matter as it stands, the rest as Markdown or as written; cut if huge."""
    text = text.replace("\r\n", "\n")
    text, left = text[:CARD_CHARACTERS], len(text) - CARD_CHARACTERS
    note = [Text(f"\n[{left:,} more characters are not shown]", style="italic")] if left > 0 else []
    if as_source:
        return Group(Text(safe(text)), *note)
    _, body = split_front_matter(text)
    front = text[: len(text) - len(body)].strip()
    return Group(
        *([Text(f"{safe(front)}\n", style="dim")] if front else []),
        Markdown(safe(body), hyperlinks=False, code_theme="ansi_dark"),
        *note,
    )


def pages(console: Console, card: Group, height: int) -> list[list[Segment]]:
    """Lines of the card, so many a page. Cleaned once more: Markdown turns `&#27;` into an escape character."""
    lines = [
        [*(Segment(safe(s.text), s.style) for s in line if not s.control), Segment.line()]
        for line in console.render_lines(card, pad=False)
    ]
    height = max(height, 5)
    cut = [lines[start : start + height] for start in range(0, len(lines), height)]
    return [[segment for line in page for segment in line] for page in cut] or [[Segment.line()]]


def safe(text: str) -> str:
    """Text that cannot drive a terminal: no control characters but line ends and tabs, nothing that turns it round."""
    return "".join(
        c
        for c in _SEQUENCE.sub("", text)
        if c in "\n\t" or not (unicodedata.category(c) in _CONTROLS or c in _BIDI)
    )


def _title(subject: str) -> str:
    return next((c.title for c in load_rubric().criteria if c.id == subject), "Overall score")


def _show_scale(console: Console, subject: str) -> None:
    """The rubric's words for the levels: of the criterion asked about, or of all of them for the overall score."""
    rubric = load_rubric()
    chosen = [c for c in rubric.criteria if subject in (OVERALL, c.id)]
    if subject == OVERALL:
        console.print(
            f"\n{rubric.question}\nThe overall score weighs these (weight in brackets).", markup=False
        )
    for criterion in chosen:
        console.print(_scale_of(criterion), markup=False)
    console.print(_KEYS, markup=False)


def _scale_of(criterion: Criterion) -> str:
    anchors = "\n".join(f"  {level}  {text}" for level, text in zip(LEVELS, criterion.anchors, strict=True))
    return f"\n{criterion.title} ({criterion.weight:g}): {criterion.question}\n{anchors}"
