"""The page: figures and tables in the template, with the script that draws the charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert

from tasks.charts import theme
from tasks.errors import NotWritten
from tasks.hub.source import model_pages
from tasks.pages import PageScript, environment, page_script, page_style, write_page
from tasks.records import Finding, Scope
from tasks.report import figures
from tasks.report.data import ReportData
from tasks.report.judge import judge_section
from tasks.report.tables import exemplars_table, failures_table, findings_table, regression_table
from tasks.sentences.estimates import is_number, is_second_opinion
from tasks.sentences.findings import beside_headline, headline, sentence
from tasks.sentences.judges import judge_note
from tasks.sentences.numbers import count, decimal, long_date, percent
from tasks.sentences.robustness import doubts_of
from tasks.sentences.scopes import counted_of, private_words, selection_warning
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
# Warnings about a whole sample stand once below its sentences, not in each of them.
_SAMPLE_FLAGS = ("selected_on_outcome", "few_models", "few_clusters", "dominant_author", "mostly_zero")


def render_report(data: ReportData) -> str:
    """The whole page; it makes no network requests, and its content policy forbids them."""
    return environment(_TEMPLATES).get_template("report.html").render(_context(data))


def write_report(data: ReportData, path: Path) -> None:
    """Write the page, replacing an older one in one step; `NotWritten` where that fails."""
    write_page(render_report(data), path)


def write_pictures(data: ReportData, folder: Path) -> list[Path]:
    """Save each chart as a PNG, for pages that run no script; returns the files, named for what they show."""
    groups = figures.every(data).values()
    drawn = [figure for group in groups for figure in (group if isinstance(group, list) else [group])]
    specs = {figure.name: figure.spec for figure in drawn if figure.spec}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, spec in specs.items():
            theme.save_png(spec, folder / f"{name}.png")
    except OSError as error:
        raise NotWritten(
            f"cannot write pictures to {folder}: {error.strerror}; choose another folder"
        ) from error
    return [folder / f"{name}.png" for name in specs]


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
        "headline": headline(data.findings, data.scope),
        "beside": beside_headline(data.findings, data.scope),
        "doubts": {what: doubts_of(data.findings, what) for what in ("downloads", "likes")},
        "selection_warning": selection_warning(data.scope),
        "note_title": note_title,
        "note": note,
        "key_figures": _key_figures(data),
        "provenance": _provenance(data),
        "outcomes": _outcomes(data.findings, data.scope),
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
    regressions = [f for f in data.findings if f.question.startswith("regression")]
    overall, parts = ([f for f in regressions if (f.stratum == "all") == is_all] for is_all in (True, False))
    return {
        "regressions": regression_table(overall, "What goes with one point more of score, all models"),
        "more_regressions": regression_table(parts, "The same for parts of the models"),
        "exemplars": [
            exemplars_table(rows, str(kind).capitalize(), model_pages(data.hub))
            for (kind,), rows in data.exemplars.group_by("kind", maintain_order=True)
        ],
        "failures": failures_table(data.failures),
        # Ingredients of each library and format would be most of the page: they stay in `out_ingredients`.
        "findings": findings_table(
            f for f in data.findings if f.question != "ingredient" or f.stratum == "all"
        ),
    }


def _outcomes(findings: Iterable[Finding], scope: Scope) -> list[dict[str, Any]]:
    """The findings that get a sentence, by outcome: over all models, no second opinions, in the order of questions.

    An outcome that the models were selected by comes last.
    """
    main = [
        f for f in findings if f.stratum == "all" and f.question in _QUESTIONS and not is_second_opinion(f)
    ]
    outcomes = sorted({plain(f.outcome) for f in main}, key=lambda name: (name == scope.selected_on, name))
    return [
        _sentences(outcome, [f for f in main if plain(f.outcome) == outcome], scope) for outcome in outcomes
    ]


def _counted(findings: Iterable[Finding]) -> list[str]:
    """Outliers and models left out, each once, and only where there are any."""
    return list(
        dict.fromkeys(sentence(f, unsaid=f.flags) for f in findings if is_number(f) and f.estimate != 0)
    )


def _sentences(outcome: str, findings: list[Finding], scope: Scope) -> dict[str, Any]:
    """The sentences on one outcome, and the warnings that hold for all of them."""
    modelled = {f.question for f in findings if not f.outcome.startswith(_LOGGED)}
    # A count model is about the counts themselves; where there is one, log slopes are only in the table.
    first = [f for f in findings if not (f.outcome.startswith(_LOGGED) and f.question in modelled)]
    first.sort(key=lambda f: (_QUESTIONS.index(f.question), f.estimator))
    shared = [flag for flag in _SAMPLE_FLAGS if any(flag in f.flags for f in first)]
    usual = first[0].n
    texts = [sentence(f, scope, unsaid=_SAMPLE_FLAGS, among=f.n != usual) for f in first]
    title = f"{outcome.capitalize()}, {counted_of(usual, scope)}"
    return {"outcome": title, "sentences": texts, "caveats": caveats(shared)}


def _key_figures(data: ReportData) -> list[tuple[str, str, str]]:
    """Number, what it counts, and a remark."""
    n = data.counts
    share = percent(n.cards / n.models) if n.models else "–"
    unread = f", {count(n.failed + n.pending)} more unread" if n.failed + n.pending else ""
    return [
        (count(n.models), "models" if n.models != 1 else "model", f"by {count(n.authors)} authors"),
        (count(n.cards), "with a card", f"{share} of them"),
        (count(n.none + n.empty), "without", f"{count(n.empty)} empty{unread}"),
        (count(n.distinct_texts), "distinct texts", f"among {count(n.cards)} cards"),
        (decimal(n.median_score), "median score", f"1 to 5, {count(n.scored_models)} scored"),
    ]


def _provenance(data: ReportData) -> list[tuple[str, str]]:
    judge, n = data.judge, data.counts
    rows = [
        ("Snapshot", data.snapshot.isoformat()),
        ("Hub", data.hub),
        ("Selection", data.selection),
        ("Private", private_words(data.scope.private_left_out, has_private=data.scope.has_private)),
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
