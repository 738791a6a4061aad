"""Estimates with their intervals, as rows of a chart, and in how many lie on which side of zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from tasks.records import Finding
from tasks.report.tables import ReportTable, findings_table
from tasks.sentences.estimates import is_interval, reading

STRATUM_ORDER = ("all", "without_outliers", "not_generated", "no_card_lowest")


def drawable_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those that have an interval, and say something."""
    return [f for f in findings if is_interval(f) and reading(f) != "nothing"]


def intervals(
    findings: Iterable[Finding], row: Callable[[Finding], str], series: Callable[[Finding], str]
) -> pl.DataFrame:
    """A row of a chart a finding: the line that it stands on, its series, and its interval."""
    rows = [
        {"row": row(f), "series": series(f), "estimate": f.estimate, "ci_low": f.ci_low, "ci_high": f.ci_high}
        for f in findings
    ]
    return pl.DataFrame(rows)


def tally(findings: list[Finding]) -> str:
    """How many intervals lie on which side of zero."""
    said = [reading(f) for f in findings]
    sides = {"more": "above zero", "unclear": "around zero", "less": "below zero"}
    parts = [f"{said.count(kind)} {words}" for kind, words in sides.items() if kind in said]
    if len(parts) == 1 and len(said) > 1:
        return f"{'Both' if len(said) == 2 else f'All {len(said)}'} intervals lie {sides[said[0]]}."
    return f"Of {len(said)} interval{'s' * (len(said) != 1)}: {', '.join(parts)}."


def table_of(findings: list[Finding]) -> ReportTable | None:
    """The findings as a table; null for none."""
    return findings_table(findings) if findings else None


def place(name: str, order: Iterable[str]) -> tuple[int, str]:
    """A sort key: known names in their order, others behind them by name."""
    known = list(order)
    return (known.index(name) if name in known else len(known), name)
