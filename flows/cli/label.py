"""`cardiograph label`: a person scores cards without seeing what a judge gave them or how popular they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.completion import complete_judge_of_home
from flows.cli.console import echo
from flows.cli.options import Home
from flows.cli.progress_bars import busy
from tasks.errors import UsageError
from tasks.records import CardText
from tasks.rubric import LEVELS, load_rubric

if TYPE_CHECKING:
    from rich.console import Group
    from rich.segment import Segment

    from flows.cli.console import Console

CARD_CHARACTERS = 24_000  # what a person reads before scoring; much more than a judge model is shown
_KEYS = "1-5 · Enter: next page · t: top · r: source · ?: scale · s: skip · b: back · q: quit"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROLS = frozenset({"Cc", "Cs"})
# Answers besides marks.
QUIT, BACK, SKIP = "q", "b", "s"


def label(
    home: Home,
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="CSV file that answers are added to.")
    ] = Path("labels.csv"),
    n: Annotated[
        int, typer.Option("--n", min=1, help="Texts to label, including those already labelled.")
    ] = 50,
    rater: Annotated[
        str, typer.Option(help="Your name, or any other name, where several people label.")
    ] = "me",
    criteria: Annotated[
        bool, typer.Option("--criteria", help="Ask for each criterion, then overall.")
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Draw by this judge's scores. Default: the judge that judged last.",
            autocompletion=complete_judge_of_home,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="A different seed draws different texts.")] = 20,
    export: Annotated[
        Path | None, typer.Option(help="Write the texts to this CSV, for a spreadsheet, instead of asking.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Add the answers of such a CSV to LABELS.")
    ] = None,
) -> None:
    """Score cards yourself, without seeing judges' scores or popularity, so that judges can be compared with you.

    \b
    cardiograph label                            50 cards, in this terminal
    cardiograph label --rater ada --criteria     criterion by criterion
    cardiograph label --export cards.csv         in a spreadsheet

    \b
    Needs a home with a snapshot. Texts are drawn equally from all levels, one
    per author. Each answer is saved at once; run the command again to resume.
    Then run `cardiograph calibrate labels.csv`.
    """
    with busy("Starting"):
        from tasks.passport import diary
        from tasks.passport.sample import draw_sample

    if export and import_:
        raise UsageError("--export and --import exclude each other")
    if not rater.strip():
        raise UsageError("--rater is blank; give a name")
    if import_:
        taken, blank = diary.take_in(import_, labels, rater)
        echo(f"{taken:,} answers added to {labels}; {blank:,} rows were blank")
    elif export:
        sample = draw_sample(home, n, seed=seed, judge=judge)
        diary.export(export, sample.texts, rater)
        echo(
            f"{len(sample.texts):,} texts, drawn by {sample.basis}, written to {export}. Fill in 'score' (1-5), and "
            f"the criteria if you like; save as CSV. Then: cardiograph calibrate {export}"
        )
    else:
        _label_here(labels, home, n, rater.strip(), judge, seed, by_criterion=criteria)


def _label_here(
    labels: Path, home: Path, n: int, rater: str, judge: str | None, seed: int, *, by_criterion: bool
) -> None:
    """Ask for scores in the terminal until `n` texts are labelled, and save each answer at once."""
    from tasks.passport import diary
    from tasks.passport.sample import draw_sample
    from tasks.passport.sheet import OVERALL, subjects

    done = diary.labelled_by(labels, rater)
    with busy("Drawing texts"):
        sample = draw_sample(home, max(0, n - len(done)), seed=seed, judge=judge, without=done)
    if not sample.texts:
        echo(
            f"{len(done):,} texts are labelled or skipped in {labels}; none is left. Raise --n to label more."
        )
        return
    echo(f"{len(sample.texts):,} texts, drawn by {sample.basis}, {len(done):,} done before. {_KEYS}")
    to_mark = (*subjects()[1:], OVERALL) if by_criterion else (OVERALL,)
    answered = _go_through(sample.texts, labels, rater, to_mark)
    echo(f"\n{answered:,} answers written to {labels}. Then: cardiograph calibrate {labels}")


def _go_through(texts: Sequence[CardText], labels: Path, rater: str, to_mark: Sequence[str]) -> int:
    """Ask about one text after another, or the one before; returns how many answers were saved."""
    from flows.cli.console import Console
    from tasks.passport import diary

    console, at, answered = Console(highlight=False, emoji=False), 0, 0
    while at < len(texts):
        answer = _ask_all(console, texts[at], f"Card {at + 1} of {len(texts)}", to_mark)
        if answer == QUIT:
            break
        if answer == BACK:
            at = max(0, at - 1)
            continue
        marks = answer if isinstance(answer, dict) else {}
        diary.append(labels, texts[at].card_hash, rater, marks)
        answered, at = answered + bool(marks), at + 1
    return answered


def _ask_all(
    console: Console, card: CardText, heading: str, to_mark: Sequence[str]
) -> dict[str, float] | str:
    """The marks of a card by subject, or the command given instead; `back` first leads to the subject before."""
    reader = _Reader(console, card, heading)
    reader.show()
    marks: dict[str, float] = {}
    at = 0
    while at < len(to_mark):
        answer = _ask(console, reader, to_mark[at])
        if answer == BACK and at:
            at -= 1
        elif isinstance(answer, str):
            return answer
        else:
            marks[to_mark[at]] = answer
            at += 1
    return marks


def _ask(console: Console, reader: _Reader, subject: str) -> float | str:
    """One mark, or quit, back or skip; other input is handled here."""
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
            console.print(f"'{safe(word)[:20]}' is not an answer. {_KEYS}", markup=False)


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
        self.moves: Mapping[str, Callable[[], None]] = {
            "": self._next_page,
            "t": self._top,
            "r": self._switch,
        }

    def show(self) -> None:
        """Print the current page."""
        from rich.segment import Segments

        heading = f"{self._heading}, page {self._at + 1} of {len(self._pages)}"
        self._console.rule(heading, style="dim")
        self._console.print(Segments(self._pages[self._at]), end="")
        if self._at + 1 < len(self._pages):
            self._console.rule("Enter for the next page", style="dim")

    def _next_page(self) -> None:
        if self._at + 1 == len(self._pages):
            self._console.print("This is the last page; t goes to the top.")
            return
        self._at += 1
        self.show()

    def _top(self) -> None:
        self._at = 0
        self.show()

    def _switch(self) -> None:
        self._is_source = not self._is_source
        self._pages = self._rendered()
        self._top()

    def _rendered(self) -> list[list[Segment]]:
        size = self._console.size
        return pages(self._console, shown(self._card.card_text, as_source=self._is_source), size.height - 4)


def shown(text: str, *, as_source: bool) -> Group:
    """A card as a person reads it: front matter as it stands, the rest as Markdown or as written; cut if huge."""
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.text import Text

    from tasks.cards.front_matter import split_front_matter

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
    """Pages of `height` lines. The text is cleaned once more: Markdown turns `&#27;` into an escape character."""
    from rich.segment import Segment

    lines = [
        [*(Segment(safe(s.text), s.style) for s in line if not s.control), Segment.line()]
        for line in console.render_lines(card, pad=False)
    ]
    height = max(height, 5)
    cut = [lines[start : start + height] for start in range(0, len(lines), height)]
    return [[segment for line in page for segment in line] for page in cut] or [[Segment.line()]]


def safe(text: str) -> str:
    """Text that cannot drive a terminal: no control characters but line ends and tabs, no marks of direction."""
    return "".join(
        c
        for c in _SEQUENCE.sub("", text)
        if c in "\n\t" or not (unicodedata.category(c) in _CONTROLS or c in _BIDI)
    )


def _title(subject: str) -> str:
    return next((c.title for c in load_rubric().criteria if c.id == subject), "Overall score")


def _show_scale(console: Console, subject: str) -> None:
    """Print the rubric's words for the levels: of the criterion in question, or of all for the overall score."""
    rubric = load_rubric()
    chosen = [criterion for criterion in rubric.criteria if criterion.id == subject]
    if not chosen:
        overall = "The overall score weighs these (weight in brackets)."
        console.print(f"\n{rubric.question}\n{overall}", markup=False)
    for criterion in chosen or rubric.criteria:
        console.print(f"\n{criterion.title} ({criterion.weight:g}): {criterion.question}", markup=False)
        for level, text in zip(LEVELS, criterion.anchors, strict=True):
            console.print(f"  {level}  {text}", markup=False)
    console.print(_KEYS, markup=False)
