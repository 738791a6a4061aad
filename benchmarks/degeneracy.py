"""What the gate's `judging:…` measures are, on a warehouse: of the judge that judged it, and of broken ones.

    python -m benchmarks.degeneracy WAREHOUSE.duckdb [DRAWS]

On all cards, on the cards of each author and of each library, and on draws of 30 card texts: how often the cards differ
enough to be measured, how often the gate holds them back, and of each measure the median and the value that is nearest
to its limit. Broken judges answer about the same draws. Draws are seeded; each takes about 50 ms.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

import duckdb

from tasks.judges.unread import unread_patterns
from tasks.operations.gate import JUDGING, Measured, bounds_of
from tasks.rubric import load_rubric
from tasks.settings import settings
from tasks.storage.warehouse import frame

DRAWN = 30
CHECKS = [check.id for check in load_rubric().checks]
PATTERNS = [",".join(sorted(passed)) for passed in unread_patterns(load_rubric())]
_COPY = """
create schema base;
create table base.everything as
    select models.model_id, author, library_name, card_hash, card_status, snapshot from warehouse.base.panel as models
    where snapshot = (select max(snapshot) from warehouse.base.judges);
create table base.latest_facts as from warehouse.base.latest_facts;
create table base.judged as
    select * from warehouse.base.verdicts
    where fingerprint = (select max_by(fingerprint, judged_at) from warehouse.base.judges);
"""
BROKEN = {
    "copies 1, 0, 1": lambda rng: [check for place, check in enumerate(CHECKS) if place % 3 != 1],
    "fails nearly all": lambda rng: [check for check in CHECKS if rng.random() < 0.03],
    "tosses a coin": lambda rng: [check for check in CHECKS if rng.random() < 0.5],
}


class Draws:
    """A copy of what the measures read, of which any models may be looked at."""

    def __init__(self, warehouse: Path) -> None:
        self._db = duckdb.connect()
        self._db.execute(f"attach '{warehouse}' as warehouse (read_only)")
        self._db.execute(_COPY)
        self.models = self._column(
            "select min(model_id) from base.everything where card_status = 'card' group by card_hash order by all"
        )
        (self._fingerprint,) = set(self._column("select distinct fingerprint from base.judged"))
        (self._snapshot,) = set(self._column("select distinct snapshot from base.everything"))
        self.judge_by(None)

    def _column(self, sql: str) -> list[str]:
        return [row[0] for row in self._db.execute(sql).fetchall()]

    def groups(self, column: str) -> Iterator[list[str]]:
        """The models of each author or library."""
        sql = f"select list(model_id) from base.everything group by {column}"
        return (models for (models,) in self._db.execute(sql).fetchall() if len(models) >= DRAWN // 3)

    def judge_by(self, broken: str | None) -> None:
        """Take the verdicts of a broken judge; null for those of the warehouse."""
        self._db.execute("create or replace table base.verdicts as from base.judged")
        if broken:
            rng = random.Random(1)
            hashes = self._column("select distinct card_hash from base.judged order by all")
            answers = [BROKEN[broken](rng) for _ in hashes]
            self._db.execute(
                """
                create or replace table base.verdicts as
                select * replace (
                    answers.passed as passed,
                    list_filter($checks, lambda c: not list_contains(answers.passed, c)) as failed,
                    1 + 4 * len(answers.passed) / len($checks) as score
                )
                from base.judged join (select unnest($hashes) as card_hash, unnest($answers) as passed) as answers
                using (card_hash)
                """,
                {"checks": CHECKS, "hashes": hashes, "answers": answers},
            )

    def measured(self, models: Iterable[str] | None = None) -> dict[str, Measured]:
        """The measures of these models by name; empty where they have too few cards that differ."""
        self._db.execute(
            "create or replace table base.panel as select * from base.everything where $models is null "
            "or list_contains($models, model_id)",
            {"models": None if models is None else list(models)},
        )
        key = {"snapshot": self._snapshot, "fingerprint": self._fingerprint, "patterns": PATTERNS}
        rows = frame(self._db, "out/gate_judging", **key).to_dicts()
        if any(row["n"] < settings().gate_judging_least for row in rows):
            return {}
        return {row["measure"]: Measured(row["value"], row["n"]) for row in rows}


def summary(name: str, found: list[dict[str, Measured]]) -> str:
    """One line: how many could be measured and how many are held back, and the measures."""
    seen = [measures for measures in found if measures]
    held = sum(any(not _passes(measure, one) for measure, one in measures.items()) for measures in seen)
    cells = [_cell(measure, seen) for measure in JUDGING]
    return f"{name:20}{len(found):7}{len(seen):10}{held:6}" + "".join(f"{cell:>16}" for cell in cells)


def _passes(measure: str, one: Measured) -> bool:
    return bounds_of(measure, one, None, 1.0, settings()).holds(one.value)


def _cell(measure: str, seen: list[dict[str, Measured]]) -> str:
    values = [value for measures in seen if (value := measures[measure].value) is not None]
    if not values:
        return "–"
    nearest = min if measure in ("judging:coherence", "judging:score_spread") else max
    return f"{median(values):.2f} ({nearest(values):.2f})"


def lines(warehouse: Path, draws: int) -> Iterator[str]:
    """The table, line by line."""
    data = Draws(warehouse)
    rng = random.Random(1)
    drawn = [rng.sample(data.models, DRAWN) for _ in range(draws)]
    names = [measure.removeprefix("judging:") for measure in JUDGING]
    yield f"{'':20}{'of':>7}{'measured':>10}{'held':>6}" + "".join(f"{name:>16}" for name in names)
    yield summary("all cards", [data.measured()])
    yield summary("each author", [data.measured(models) for models in data.groups("author")])
    yield summary("each library", [data.measured(models) for models in data.groups("library_name")])
    yield summary(f"draws of {DRAWN} texts", [data.measured(models) for models in drawn])
    for broken in BROKEN:
        data.judge_by(broken)
        yield summary(broken, [data.measured(models) for models in drawn])


if __name__ == "__main__":
    for line in lines(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 300):
        print(line, flush=True)
