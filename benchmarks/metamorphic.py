"""What the checklist notices when evidence goes or comes: every check, on real cards and on the demo.

    python benchmarks/metamorphic.py HOME [HOME ...] [--texts 500] [--list CHECK ...] [--write docs/judge.md]

Each HOME holds a snapshot that the checklist has judged. Cards written by people are edited one thing at a time
(`tasks/passport/metamorphic`), and judged before and after. Prints per check how often it moved as it had to, how often
so by the wordings that the checklist was not mended for, and how often it was stirred though something else was edited;
`--list` prints where a check did not do as it must. `--write` puts the table between the marks of a page.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.errors import UsageError
from tasks.judges.checklist import CHECKLIST_VERSION, ChecklistJudge
from tasks.passport.metamorphic.examining import SEED
from tasks.passport.metamorphic.measures import CheckMove, moves_of
from tasks.passport.metamorphic.sampling import texts_to_edit
from tasks.passport.metamorphic.trials import TrialMaker
from tasks.passport.probes import verdicts_of
from tasks.rubric import load_rubric
from tasks.storage.warehouse import Warehouse, frame

MOVED_MIN, STIRRED_MAX = 0.9, 0.02
BEGIN, END = "<!-- metamorphic -->", "<!-- /metamorphic -->"


@dataclass(frozen=True, slots=True)
class EditedHome:
    """The cards of one home, edited and judged."""

    name: str
    cards: int
    trials: int
    moves: list[CheckMove]
    seconds: float


def edited(home: Path, texts: int) -> EditedHome:
    """Sample, edit and judge. Raises `UsageError` where the home has no snapshot that was judged."""
    latest = Warehouse(home).latest_judged()
    with Warehouse(home).read() as db:
        scope = frame(db, "out/provenance", **latest).row(0, named=True)
        cards = texts_to_edit(
            db, texts, snapshot=latest["snapshot"], fingerprint=latest["fingerprint"], seed=SEED
        )
    began = time.perf_counter()
    maker = TrialMaker(cards, seed=SEED)
    verdicts = verdicts_of(ChecklistJudge(), maker.texts())
    moves = list(moves_of(maker.trials, verdicts))
    name = "demo" if "demo" in str(scope["hub"]) else str(latest["snapshot"].year)
    return EditedHome(name, len(cards), len(maker.trials), moves, time.perf_counter() - began)


def share_of(moves: Iterable[CheckMove]) -> float | None:
    """The share of trials in which the check moved; None without any."""
    found = [move.has_moved for move in moves]
    return sum(found) / len(found) if found else None


def row(check: str, home: EditedHome) -> list[str]:
    """The cells of one check and home: trials that had to move it, moved, moved by later wordings, stirred."""
    moves = [move for move in home.moves if move.check == check]
    must = [move for move in moves if move.must and not move.is_later]
    moved = share_of(must)
    later = share_of(move for move in moves if move.must and move.is_later)
    stirred = share_of(move for move in moves if not move.must)
    return [
        f"{len(must):,}",
        _cell(moved, is_beyond=moved is not None and moved < MOVED_MIN),
        _cell(later, is_beyond=later is not None and later < MOVED_MIN),
        _cell(stirred, is_beyond=stirred is not None and stirred > STIRRED_MAX, digits=1),
    ]


def _cell(share: float | None, *, is_beyond: bool, digits: int = 0) -> str:
    if share is None:
        return "–"
    text = f"{100 * share:.{digits}f} %"
    return f"**{text}**" if is_beyond else text


def table(homes: Sequence[EditedHome]) -> str:
    """One row per check, as Markdown; figures beyond the bars are bold."""
    heads = " | ".join(f"{home.name}: trials | moved | later wordings | stirred" for home in homes)
    lines = [f"| check | {heads} |", f"|---|{'---:|' * 4 * len(homes)}"]
    lines += [
        f"| `{check.id}` | {' | '.join(cell for home in homes for cell in row(check.id, home))} |"
        for check in load_rubric().checks
    ]
    return "\n".join(lines)


def caption(homes: Sequence[EditedHome]) -> str:
    """What was measured, when, on what machine."""
    took = "; ".join(
        f"{home.name}: {home.cards:,} cards, {home.trials:,} trials, {home.seconds:,.0f} s" for home in homes
    )
    return (
        f"Checklist version {CHECKLIST_VERSION}, {datetime.now(UTC):%-d %B %Y}, two shared cores, 24 GB. {took}. "
        f"Bold: moved in fewer than {100 * MOVED_MIN:.0f} % of the trials that must move it, or stirred in more than "
        f"{100 * STIRRED_MAX:.0f} % of those that must not."
    )


def where(home: EditedHome, check: str) -> list[str]:
    """The edits after which a check did not do as it must, the most frequent first."""
    wrong = Counter(
        f"{'did not move' if move.must else 'was stirred'}: {move.name} {move.language or ''}{'*' * move.is_later}"
        for move in home.moves
        if move.check == check and move.must != move.has_moved
    )
    return [f"{n:5}  {line}" for line, n in wrong.most_common(30)]


def write(page: Path, text: str) -> None:
    """Put a text between the marks of a page. Raises `UsageError` where it has none."""
    old = page.read_text(encoding="utf-8")
    if not (BEGIN in old and END in old):
        raise UsageError(f"{page} has no marks {BEGIN} and {END}; add them where the table belongs")
    new = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{text}\n{END}", old, flags=re.DOTALL)
    page.write_text(new, encoding="utf-8")


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("homes", type=Path, nargs="+")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--list", nargs="*", default=[], dest="checks")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    homes = [edited(home, options.texts) for home in options.homes]
    text = f"{table(homes)}\n\n{caption(homes)}"
    print(text)
    for home in homes:
        for check in options.checks:
            print(f"\n{home.name} {check}", *where(home, check), sep="\n")
    if options.write:
        write(options.write, text)


if __name__ == "__main__":
    main()
