"""What a bar would show at its end: done and total of every stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.progress import listening

Stages = dict[str, list[tuple[int, int | None]]]


@contextmanager
def counted() -> Iterator[Stages]:
    """For each stage, in the order in which they begin, what was done and what was announced: (done, total)."""
    stages: Stages = defaultdict(list)

    def listen(stage: str, by: int, total: int | None) -> None:
        if not by:
            stages[stage].append((0, total))
        else:
            done, announced = stages[stage].pop()
            stages[stage].append((done + by, announced))

    with listening(listen):
        yield stages
