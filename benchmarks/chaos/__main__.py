"""Kill, pause and cut off parts of the real topology at random during snapshots, and check that nothing is lost.

    python -m benchmarks.chaos [--rounds 50] [--seed 1] [--only FAULT] [--round N] [--json FILE] [--write PAGE]

Prints one line per round, then a table; exit code 1 if an invariant broke. docs/chaos.md describes the method.
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
    """Play and print; the exit code is 0 if every invariant held."""
    options = _arguments()
    if options.join:
        return _print_figures(joined(options.join), options)
    os.environ[MARK] = str(os.getpid())  # every process that is started from here on inherits it
    os.environ["CARDIOGRAPH_EMBEDDER"] = "none"  # one map per round would take longer than the round
    skipped = _impossible_here()
    names = [name for name in options.only or FAULTS if name not in skipped]
    todo = list(islice(plans(options.seed, names), options.rounds))
    todo = [plan for plan in todo[options.first - 1 :] if options.round in (None, plan.number)]
    outcomes: list[Outcome] = []
    with running_stand(options.folder, models=options.models, seed=options.seed) as stand:
        try:
            for plan in todo:
                _expect(stand, plan)
                outcomes.append(try_to_play(stand, plan))
                print(_line(outcomes[-1], options.rounds), file=sys.stderr, flush=True)
                _print_broken(outcomes[-1], options)
        except KeyboardInterrupt:
            print("stopped; the rounds so far:", file=sys.stderr)
        finally:
            left_over = stop_everything(stand)
    figures = tally(outcomes, seed=options.seed, skipped=skipped) | {
        "left_over": [each.seen for each in left_over]
    }
    return _print_figures(figures, options)


def _print_figures(figures: dict[str, Any], options: argparse.Namespace) -> int:
    """Print and write the figures; returns the exit code."""
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, default=str))
    if options.write:
        write_into(options.write, markdown(figures))
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
        "--only", action="append", choices=list(FAULTS), help="only this fault; may be repeated"
    )
    parser.add_argument("--round", type=int, help="play only this one of the rounds")
    parser.add_argument("--first", type=int, default=1, help="start with this one of the rounds")
    parser.add_argument("--models", type=int, default=300, help="in the demo corpus")
    parser.add_argument(
        "--folder", type=Path, help="keep everything here, logs too; everybody must be able to enter it"
    )
    parser.add_argument("--json", type=Path, help="write all observations to this file")
    parser.add_argument(
        "--join",
        type=Path,
        nargs="+",
        help="play nothing; join the files that several calls wrote with --json",
    )
    parser.add_argument("--write", type=Path, help="write the table into this page, between its markers")
    return parser.parse_args()


def _impossible_here() -> dict[str, str]:
    """Faults that are impossible on this machine or for this account, and why."""
    impossible = {}
    if not libfaketime():
        impossible["clock off"] = "libfaketime is not installed (apt-get install faketime)"
    with tempfile.TemporaryDirectory() as folder:
        if disk.mount(Path(folder), 1) is None:
            impossible["disk full"] = "this account may not mount a small disk"
        disk.unmount(Path(folder))
    return impossible


def _expect(stand: Stand, plan: Plan) -> None:
    """Take this week's snapshot once per judge without faults, for comparison."""
    if plan.judge not in stand.expected:
        stand.expected[plan.judge] = run = undisturbed(stand, plan.judge)
        print(f"undisturbed, {plan.judge}: {run.lasts_s:.1f} s", file=sys.stderr, flush=True)


def _line(outcome: Outcome, rounds: int) -> str:
    plan = outcome.plan
    hits = "; ".join(outcome.hits) or "no hit"
    broken = ", ".join(sorted({each.invariant for each in outcome.broken}))
    return (
        f"round {plan.number}/{rounds} [{plan.lake}, {plan.judge}] {hits} -> {outcome.disturbed}, rerun "
        f"{outcome.heal_s:.0f} s, total {outcome.total_s:.0f} s: {f'BROKEN {broken}' if broken else 'held'}"
    )


def _print_broken(outcome: Outcome, options: argparse.Namespace) -> None:
    for each in outcome.broken:
        print(f"    {each.invariant}: {each.seen}", file=sys.stderr)
    if outcome.broken:
        only = "".join(f' --only "{name}"' for name in options.only or ())
        again = f"--seed {options.seed} --rounds {options.rounds} --round {outcome.plan.number}{only}"
        print(f"    message of the run: {outcome.said}\n    repeat with: {again}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
