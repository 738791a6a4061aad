"""Kill, pause and cut off the real topology at random while snapshots are taken, and look whether anything is lost.

    python -m benchmarks.chaos [--rounds 50] [--seed 1] [--only FAULT] [--round N] [--json FILE] [--write PAGE]

Prints a line a round, then a table; exit code 1 where an invariant broke. docs/chaos.md tells what is done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.chaos import disk
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.play import Outcome, stop_everything, try_to_play, undisturbed
from benchmarks.chaos.processes import MARK
from benchmarks.chaos.scene import libfaketime
from benchmarks.chaos.schedule import Plan, plans
from benchmarks.chaos.stand import Stand, running_stand
from benchmarks.chaos.tally import joined, markdown, tally, write_into


def main() -> int:
    """Play, print, and say by the exit code whether everything held."""
    given = _arguments()
    if given.join:
        return _told(joined(given.join), given)
    os.environ[MARK] = str(os.getpid())  # all that is started from here on carries it
    os.environ["CARDIOGRAPH_EMBEDDER"] = "none"  # a map a round would take longer than the round
    skipped = _impossible_here()
    names = [name for name in given.only or FAULTS if name not in skipped]
    wanted = list(islice(plans(given.seed, names), given.rounds))
    wanted = [plan for plan in wanted[given.first - 1 :] if given.round in (None, plan.number)]
    outcomes: list[Outcome] = []
    with running_stand(given.folder, models=given.models, seed=given.seed) as stand:
        try:
            for plan in wanted:
                _expect(stand, plan)
                outcomes.append(try_to_play(stand, plan))
                print(_line(outcomes[-1], given.rounds), file=sys.stderr, flush=True)
                _tell_broken(outcomes[-1], given)
        except KeyboardInterrupt:
            print("stopped; what was played so far:", file=sys.stderr)
        finally:
            left_over = stop_everything(stand)
    figures = tally(outcomes, seed=given.seed, skipped=skipped) | {
        "left_over": [each.seen for each in left_over]
    }
    return _told(figures, given)


def _told(figures: dict[str, Any], given: argparse.Namespace) -> int:
    """Print and write the figures; the exit code."""
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2, default=str))
    if given.write:
        write_into(given.write, markdown(figures))
    print(markdown(figures))
    for seen in figures["left_over"]:
        print(seen, file=sys.stderr)
    return int(bool(figures["rounds_broken"] or figures["left_over"]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", action="append", choices=list(FAULTS), help="this fault alone; repeated, these"
    )
    parser.add_argument("--round", type=int, help="of all these rounds play this one alone")
    parser.add_argument("--first", type=int, default=1, help="begin with this one of them")
    parser.add_argument("--models", type=int, default=300, help="in the demo corpus")
    parser.add_argument(
        "--folder", type=Path, help="keep everything here, logs too; must be open to everybody"
    )
    parser.add_argument("--json", type=Path, help="write everything that was seen to this file")
    parser.add_argument(
        "--join", type=Path, nargs="+", help="play nothing; add up what several goes wrote with --json"
    )
    parser.add_argument("--write", type=Path, help="write the table into this page, between its markers")
    return parser.parse_args()


def _impossible_here() -> dict[str, str]:
    """Faults that this machine or this account cannot do, and why."""
    impossible = {}
    if not libfaketime():
        impossible["clock off"] = "libfaketime is not installed (apt-get install faketime)"
    with tempfile.TemporaryDirectory() as folder:
        if disk.mount(Path(folder), 1) is None:
            impossible["disk full"] = "this account may not mount a small disk"
        disk.unmount(Path(folder))
    return impossible


def _expect(stand: Stand, plan: Plan) -> None:
    """See once how this week's snapshot ends that nobody disturbs, for each judge."""
    if plan.judge not in stand.expected:
        stand.expected[plan.judge] = seen = undisturbed(stand, plan.judge)
        print(f"undisturbed, {plan.judge}: {seen.lasts_s:.1f} s", file=sys.stderr, flush=True)


def _line(outcome: Outcome, rounds: int) -> str:
    plan = outcome.plan
    hits = "; ".join(outcome.hits) or "no hit"
    broken = ", ".join(sorted({each.invariant for each in outcome.broken}))
    return (
        f"round {plan.number}/{rounds} [{plan.lake}, {plan.judge}] {hits} -> {outcome.disturbed}, rerun "
        f"{outcome.heal_s:.0f} s, {outcome.total_s:.0f} s in all: {f'BROKEN {broken}' if broken else 'held'}"
    )


def _tell_broken(outcome: Outcome, given: argparse.Namespace) -> None:
    for each in outcome.broken:
        print(f"    {each.invariant}: {each.seen}", file=sys.stderr)
    if outcome.broken:
        only = "".join(f' --only "{name}"' for name in given.only or ())
        again = f"--seed {given.seed} --rounds {given.rounds} --round {outcome.plan.number}{only}"
        print(f"    the run said: {outcome.said}\n    again: {again}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
