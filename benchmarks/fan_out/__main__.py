"""Ways to fan parts out over worker processes: what each costs, and what each survives.

    python -m benchmarks.fan_out [--only pulling --only dask] [--parts 24] [--seconds 1] [--workers 3]

Each candidate does the same parts (each waits, then writes a file) three times, every time with its own Prefect
server on loopback: undisturbed; with one worker's whole process tree killed with -9 in mid-part; and with the Prefect
server killed with -9 and restarted. Nothing repairs a candidate: a lost part stays lost. Dask and Ray are tried where
`prefect-dask` and `prefect-ray` with `ray` are installed; the project itself needs neither.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fan_out.part import Ground
from benchmarks.fan_out.trial import HARMS, Outcome, missing, play
from tasks.settings import settings

CANDIDATES = ("subflows", "background", "dask", "ray", "pulling")


def outcomes(
    names: Sequence[str], harms: Sequence[str], ground: Ground, patience_s: float
) -> Iterator[Outcome]:
    """Run all trials one after the other, and print each as it ends."""
    for name in names:
        if lacks := missing(name):
            print(f"{name}: {lacks}", file=sys.stderr)
            continue
        for harm in HARMS:
            if harm in harms:
                outcome = play(name, ground, harm, patience_s)
                print(outcome, file=sys.stderr, flush=True)
                yield outcome


def table(found: Sequence[Outcome], ground: Ground) -> str:
    """The outcomes as a Markdown table, one row per candidate."""
    head = (
        "candidate", "workers up, s", "first part, s", f"wall, s (ideal {ground.ideal_s:.0f})",
        "overhead per part, ms", "worker killed: parts done", "the lost part, after s",
        "server killed: parts done", "wall, s",
    )  # fmt: skip
    rows = [head, ("---",) * len(head), *(_row(name, found, ground) for name in _names(found))]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(name: str, found: Sequence[Outcome], ground: Ground) -> tuple[str, ...]:
    calm, worker, server = (_of(found, name, harm) for harm in HARMS)
    return (
        name,
        *(_cell(calm and value) for value in _figures(calm)),
        _parts(worker, ground),
        _cell(worker and worker.lost_part_done_after_s, "never" if worker else "–"),
        _parts(server, ground),
        _cell(server and server.wall_s),
    )


def _figures(calm: Outcome | None) -> tuple[float | None, ...]:
    if calm is None:
        return (None,) * 4
    return (calm.workers_up_s, calm.first_part_s, calm.wall_s, calm.overhead_ms_a_part)


def _parts(outcome: Outcome | None, ground: Ground) -> str:
    if outcome is None:
        return "not tried"
    twice = f", {outcome.parts_begun_twice} begun twice" if outcome.parts_begun_twice else ""
    return f"{outcome.parts_done} of {ground.parts}{twice}; {outcome.coordinator}"


def _cell(value: object, absent: str = "–") -> str:
    return absent if value is None else str(value)


def _of(found: Sequence[Outcome], name: str, harm: str) -> Outcome | None:
    return next((one for one in found if (one.candidate, one.harm) == (name, harm)), None)


def _names(found: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(one.candidate for one in found))


def main() -> None:
    """Play and print."""
    arguments = argparse.ArgumentParser(
        prog="python -m benchmarks.fan_out", description=__doc__.splitlines()[0]
    )
    arguments.add_argument("--only", action="append", choices=CANDIDATES, help="may be repeated")
    arguments.add_argument("--harm", action="append", choices=HARMS, help="may be repeated")
    arguments.add_argument("--parts", type=int, default=24)
    arguments.add_argument("--seconds", type=float, default=1.0, help="seconds that each part takes")
    arguments.add_argument("--workers", type=int, default=3)
    silence = "for pulling: seconds of silence after which a worker counts as dead"
    arguments.add_argument("--lease", type=float, default=settings().lease_s, help=silence)
    arguments.add_argument("--patience", type=float, default=90.0, help="seconds to wait without a part done")
    arguments.add_argument(
        "--one-machine", action="store_true", help="for pulling: dead processes are seen by their id"
    )
    arguments.add_argument("--json", type=Path, help="write all figures to this file")
    given = arguments.parse_args()
    ground = Ground(Path(), given.parts, given.seconds, given.workers, given.lease, given.one_machine)
    found = list(outcomes(given.only or CANDIDATES, given.harm or HARMS, ground, given.patience))
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in found], indent=2), encoding="utf-8")
    print(table(found, ground))


if __name__ == "__main__":
    main()
