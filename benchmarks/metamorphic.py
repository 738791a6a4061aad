"""What the checklist notices when evidence goes or comes: every check, on real cards and on the demo.

    python benchmarks/metamorphic.py HOME [HOME ...] [--texts 500] [--list CHECK] [--write docs/judge.md]

Each HOME holds a snapshot that the checklist has judged. Cards written by people are edited one thing at a time
(`tasks/passport/metamorphic`), and judged before and after. Prints per check how often it moved as it had to, and how
often though something else was edited; `--list` prints where a check did not do so. `--write` puts the table between
the marks `metamorphic` of a page.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tasks.judges.checklist import ChecklistJudge
from tasks.passport.metamorphic import measures
from tasks.passport.metamorphic.sampling import texts_to_edit
from tasks.passport.metamorphic.trials import TrialMaker
from tasks.passport.probes import verdicts_of
from tasks.records import CardText
from tasks.rubric import load_rubric
from tasks.storage.warehouse import Warehouse, frame

MOVED_MIN, STIRRED_MAX = 0.9, 0.02
SEED = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """The cards of one home, edited and judged."""

    name: str
    cards: int
    maker: TrialMaker
    verdicts: dict[str, object]
    moves: list[measures.Moved]
    seconds: float


def tried(home: Path, texts: int) -> Tried:
    """Sample, edit and judge."""
    with Warehouse(home).read() as db:
        latest = frame(db, "out/latest_judged").to_dicts()[0]
        cards = texts_to_edit(db, texts, **latest, seed=SEED)
    return tried_on(home.name, cards)


def tried_on(name: str, cards: Sequence[CardText]) -> Tried:
    """Edit and judge these cards."""
    began = datetime.now(UTC)
    maker = TrialMaker(cards, seed=SEED)
    verdicts = verdicts_of(ChecklistJudge(), maker.texts())
    moves = list(measures.moves_of(maker.trials, verdicts))
    took = (datetime.now(UTC) - began).total_seconds()
    return Tried(name, len(cards), maker, dict(verdicts), moves, took)


def shares_of(moves: Sequence[measures.Moved], check: str, *, must: bool) -> tuple[int, float | None]:
    """How many trials of a check, and the share of them in which it moved."""
    found = [move.has_moved for move in moves if move.check == check and move.must == must]
    return len(found), (sum(found) / len(found) if found else None)


def table(homes: Sequence[Tried]) -> str:
    """One row per check, as Markdown; figures beyond the bars are bold."""
    heads = [f"moved {home.name} | n | stirred {home.name}" for home in homes]
    lines = [f"| check | {' | '.join(heads)} |", f"|---|{'---:|' * 3 * len(homes)}"]
    for check in load_rubric().checks:
        cells = []
        for home in homes:
            n, moved = shares_of(home.moves, check.id, must=True)
            _, stirred = shares_of(home.moves, check.id, must=False)
            cells += [
                _cell(moved, moved is not None and moved < MOVED_MIN, 0),
                f"{n:,}",
                _cell(stirred, stirred is not None and stirred > STIRRED_MAX, 1),
            ]
        lines.append(f"| `{check.id}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(share: float | None, is_beyond: bool, digits: int) -> str:
    if share is None:
        return "–"
    text = f"{100 * share:.{digits}f} %"
    return f"**{text}**" if is_beyond else text


def where(home: Tried, check: str) -> list[str]:
    """The edits after which a check did not do as it must, the most frequent first."""
    wrong = Counter(
        f"{'did not move' if move.must else 'stirred'}: {move.name} {move.language or ''}"
        for move in home.moves
        if move.check == check and move.must != move.has_moved
    )
    return [f"{n:5}  {line}" for line, n in wrong.most_common(30)]


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("homes", type=Path, nargs="+")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--list", nargs="*", default=[], dest="checks")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    homes = [tried(home, options.texts) for home in options.homes]
    print(table(homes))
    for home in homes:
        print(f"{home.name}: {home.cards} cards, {len(home.maker.trials):,} trials, {home.seconds:.0f} s")
        for check in options.checks:
            print(f"\n{home.name} {check}")
            print("\n".join(where(home, check)))


if __name__ == "__main__":
    main()
