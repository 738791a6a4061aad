"""The page: figures and tables put into the template, with the one script that draws the charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert

from tasks.charts import theme
from tasks.pages import PageScript, environment, page_script, page_style, write_page
from tasks.records import Finding
from tasks.report import figures
from tasks.report.data import ReportData
from tasks.report.judge import judge_section
from tasks.report.tables import ReportTable, exemplars_table, failures_table, findings_table, regression_table
from tasks.sentences.estimates import is_number, is_second_opinion
from tasks.sentences.findings import headline, sentence
from tasks.sentences.judges import judge_note
from tasks.sentences.numbers import count, decimal, long_date, models, percent
from tasks.sentences.snapshots import late_sentence, release_sentence
from tasks.sentences.words import caveats, plain
from tasks.settings import settings

_TEMPLATES = Path(__file__).parent / "templates"

_QUESTIONS = (
    "rank_correlation",
    "partial_rank_correlation",
    "regression",
    "regression_controlled",
    "has_card",
)
_LOGGED = ("log1p_", "log_")
# What is true of a whole sample is said once below its sentences, not in each of them.
_SAMPLE_FLAGS = ("few_models", "few_clusters", "dominant_author", "mostly_zero")


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one outcome, and the warnings that hold for all of it."""

    outcome: str
    sentences: list[str]
    caveats: str


def render_report(data: ReportData) -> str:
    """The whole page; it asks no network for anything, and its content policy forbids that it could."""
    return environment(_TEMPLATES).get_template("report.html").render(_context(data))


def write_report(data: ReportData, path: Path) -> None:
    """Write the page, replacing an older one in one step; `NotWritten` where that fails."""
    write_page(render_report(data), path)


@cache
def _scripts() -> tuple[PageScript, PageScript]:
    """Vega with its embedder (0.9 MB, 1.3 s to bundle), then the few lines that draw the charts."""
    vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=theme.vegalite_version())
    return page_script(vega), page_script((_TEMPLATES / "report.js").read_text(encoding="utf-8"))


def _context(data: ReportData) -> dict[str, Any]:
    note_title, note = judge_note(data.judge, data.judging.passport)
    return {
        "date": long_date(data.snapshot),
        "snapshot": data.snapshot.isoformat(),
        "headline": headline(data.findings),
        "note_title": note_title,
        "note": note,
        "key_figures": _key_figures(data),
        "provenance": _provenance(data),
        "told": _told(data.findings),
        "counted": _counted(data.findings),
        "judge": data.judge.judge,
        "judged": judge_section(data, settings()),
        "scripts": _scripts(),
        "kinds": data.kinds,
        "style": page_style(_TEMPLATES / "report.css"),
        "light": asdict(theme.LIGHT),
        "dark": asdict(theme.DARK),
        "theme": {
            "light": theme.config(theme.LIGHT),
            "dark": theme.config(theme.DARK),
            "numbers": theme.NUMBER_FORMAT,
        },
        **figures.every(data),
        **_tables(data),
    }


def _tables(data: ReportData) -> dict[str, Any]:
    kinds = data.exemplars["kind"].unique(maintain_order=True).to_list()
    return {
        "regressions": _regressions(data, "What goes with one point more of score, all models", is_all=True),
        "more_regressions": _regressions(data, "The same for parts of the models", is_all=False),
        "exemplars": [
            exemplars_table(data.exemplars.filter(pl.col("kind") == kind), kind.capitalize())
            for kind in kinds
        ],
        "failures": failures_table(data.failures),
        "findings": findings_table(data.findings),
    }


def _regressions(data: ReportData, caption: str, *, is_all: bool) -> ReportTable:
    asked = (
        f for f in data.findings if f.question.startswith("regression") and (f.stratum == "all") == is_all
    )
    return regression_table(asked, caption)


def _told(findings: Iterable[Finding]) -> list[Told]:
    """The findings worth a sentence, by outcome: all models, first opinions, in the order of the questions."""
    worthy = [
        f for f in findings if f.stratum == "all" and f.question in _QUESTIONS and not is_second_opinion(f)
    ]
    outcomes = sorted({plain(f.outcome) for f in worthy})
    return [_told_of(outcome, [f for f in worthy if plain(f.outcome) == outcome]) for outcome in outcomes]


def _counted(findings: Iterable[Finding]) -> list[str]:
    """Outliers and models left out, each said once, and only where there are any."""
    said = [sentence(f, unsaid=f.flags) for f in findings if is_number(f) and f.estimate != 0]
    return list(dict.fromkeys(said))


def _told_of(outcome: str, findings: list[Finding]) -> Told:
    modelled = {f.question for f in findings if not f.outcome.startswith(_LOGGED)}
    # A count model says the same of the counts themselves; where there is one, log slopes go into the table.
    first = [f for f in findings if not (f.outcome.startswith(_LOGGED) and f.question in modelled)]
    first.sort(key=lambda f: (_QUESTIONS.index(f.question), f.estimator))
    shared = [flag for flag in _SAMPLE_FLAGS if any(flag in f.flags for f in first)]
    usual = first[0].n
    said = [sentence(f, unsaid=_SAMPLE_FLAGS, among=f.n != usual) for f in first]
    return Told(f"{outcome.capitalize()}, {models(usual)}", said, caveats(shared))


def _key_figures(data: ReportData) -> list[tuple[str, str, str]]:
    """Number, what it counts, and a remark."""
    n = data.counts
    share = percent(n.cards / n.models) if n.models else "–"
    without = n.none + n.empty
    unread = n.failed + n.pending
    return [
        (count(n.models), "models" if n.models != 1 else "model", f"by {count(n.authors)} authors"),
        (count(n.cards), "with a card", f"{share} of them"),
        (
            count(without),
            "without",
            f"{count(n.empty)} empty" + (f", {count(unread)} more unread" if unread else ""),
        ),
        (count(n.distinct_texts), "distinct texts", f"among {count(n.cards)} cards"),
        (decimal(n.median_score), "median score", f"1 to 5, {count(n.scored_models)} scored"),
    ]


def _provenance(data: ReportData) -> list[tuple[str, str]]:
    judge, n = data.judge, data.counts
    rows = [
        ("Snapshot", data.snapshot.isoformat()),
        ("Hub", data.hub),
        ("Selection", data.selection),
        ("Listed", f"{count(data.listed)} rows, read until {data.finished_at:%Y-%m-%d %H:%M} UTC"),
        ("Late", late_sentence(data.days_late)),
        ("Released", release_sentence(data.release_reason)),
        ("Judge", judge.judge),
        ("Judge model", f"{judge.model} @ {judge.revision or 'revision not stated'}" if judge.model else ""),
        ("Judged", f"{count(n.verdicts)} distinct texts, {judge.judged_at:%Y-%m-%d %H:%M} UTC"),
        ("Fingerprint", judge.fingerprint),
        ("Rubric", judge.rubric),
        ("Failures", count(n.failures)),
    ]
    return [(term, value) for term, value in rows if value]
