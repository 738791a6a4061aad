"""The figures of all rounds, as JSON and as the table of docs/chaos.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.invariants import INVARIANTS
from benchmarks.chaos.play import Outcome

BEGIN, END = "<!-- rounds: begin -->", "<!-- rounds: end -->"


def tally(outcomes: Sequence[Outcome], *, seed: int, skipped: dict[str, str]) -> dict[str, Any]:
    """All figures, as plain values."""
    return {
        "seed": seed,
        "rounds": len(outcomes),
        "rounds_broken": [outcome.plan.number for outcome in outcomes if outcome.broken],
        "seconds_a_round": round(sum(outcome.total_s for outcome in outcomes) / max(1, len(outcomes)), 1),
        "warehouse_reads": sum(outcome.warehouse_reads for outcome in outcomes),
        "verdicts_done_twice": sum(outcome.double_work for outcome in outcomes),
        "faults": {name: _of_fault(name, outcomes) for name in FAULTS if name not in skipped},
        "skipped": skipped,
        "played": [asdict(outcome) for outcome in outcomes if is_dataclass(outcome)],
    }


def joined(files: Sequence[Path]) -> dict[str, Any]:
    """The figures of rounds of one seed that several calls played, from the files of `--json`."""
    goes = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if len({go["seed"] for go in goes}) != 1:
        raise SystemExit("rounds of different seeds cannot be joined")
    played = [
        json.loads(json.dumps(one), object_hook=lambda found: SimpleNamespace(**found))
        for go in goes
        for one in go["played"]
    ]
    left_over = [seen for go in goes for seen in go["left_over"]]
    figures = tally(cast(Any, played), seed=goes[0]["seed"], skipped=goes[0]["skipped"])
    plain = [one for go in goes for one in go["played"]]
    return figures | {"played": plain, "left_over": left_over}


def _of_fault(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    hit = [outcome for outcome in outcomes if any(done.startswith(f"{name} at") for done in outcome.hits)]
    broken = Counter(name for outcome in hit for name in {each.invariant for each in outcome.broken})
    return {
        "rounds": len(hit),
        "outcomes": dict(Counter(outcome.disturbed for outcome in hit)),
        "heal_s_median": round(median(outcome.heal_s for outcome in hit), 1) if hit else None,
        "heal_s_max": round(max(outcome.heal_s for outcome in hit), 1) if hit else None,
        "broken": dict(broken),
    }


def markdown(figures: dict[str, Any]) -> str:
    """The table for people."""
    lines = [
        f"{figures['rounds']} rounds, seed {figures['seed']}, {figures['seconds_a_round']} s per round. The published "
        f"warehouse was read {figures['warehouse_reads']:,} times meanwhile. "
        f"{figures['verdicts_done_twice']} verdicts were computed twice, with the same result. "
        + _sentence_on(figures["rounds_broken"]),
        "",
        "| fault | rounds hit | the disturbed run | rerun, s: median (max) | invariants |",
        "|---|---|---|---|---|",
    ]
    for name, of in figures["faults"].items():
        ended = ", ".join(f"{count} {end}" for end, count in sorted(of["outcomes"].items()))
        took = "" if of["heal_s_median"] is None else f"{of['heal_s_median']} ({of['heal_s_max']})"
        held = ", ".join(f"{key} broken {count}x" for key, count in sorted(of["broken"].items())) or "held"
        lines.append(f"| {name} | {of['rounds']} | {ended} | {took} | {held if of['rounds'] else ''} |")
    lines += [f"\n{name} was left out: {why}." for name, why in figures["skipped"].items()]
    return "\n".join(lines)


def _sentence_on(broken: Sequence[int]) -> str:
    if not broken:
        return f"All invariants ({', '.join(INVARIANTS)}) held in all of them."
    return f"**Invariants broke in {len(broken)}: round {', '.join(map(str, broken))}.**"


def write_into(page: Path, table: str) -> None:
    """Write the table between the page's markers, in place of the previous one."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{page}: has no lines {BEGIN} and {END}; add them where the table belongs")
    page.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")
