"""The article's tables as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import polars as pl

from benchmarks.findings_2022.evidence import Evidence
from tasks.estimators import Estimator
from tasks.records import Finding
from tasks.report.figures import documented_words
from tasks.sentences.estimates import both_ends, ends, figure, is_interval, left_of, reading
from tasks.sentences.numbers import count, decimal, percent
from tasks.sentences.words import estimator_words, plain, stratum_words, upper_first

STRATA = {
    "all": "all scored models",
    "without_outliers": "without outliers",
    "not_generated": "cards that no tool generated",
    "no_card_lowest": "with models without a card, ranked lowest",
}
TIERS = ("top 1 %", "next 9 %", "next 40 %", "the rest")
# Each with how it models an outcome.
SLOPES = {
    Estimator.POISSON: "{}",
    Estimator.HUBER: "log1p_{}",
    Estimator.TUKEY: "log1p_{}",
    Estimator.MEDIAN: "log1p_{}",
    Estimator.THEIL_SEN: "log1p_{}",
    Estimator.LOGIT: "any_{}",
    Estimator.HURDLE_LOG: "log_{}",
}
STRATA_SHOWN = 12  # of libraries: the largest; the others have some tens of models
CARDS_OF_A_TOOL = 100  # tools that wrote fewer are not listed


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]], *, names: int = 1) -> str:
    """A table; the first column, or more, name the row, the others are numbers."""
    lines = [heads, [*["---"] * names, *["---:"] * (len(heads) - names)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_interval(finding: Finding | None) -> str:
    """The estimate with its interval, in the finding's unit; a dash where there is none."""
    if finding is None or finding.estimate is None:
        return "–"
    value = figure(finding, finding.estimate)
    return f"{value} ({both_ends(finding)})" if is_interval(finding) else f"{value} (no interval)"


def _without(finding: Finding) -> str:
    """The same without its influential author, and who that is."""
    if finding.influential_author is None:
        return "–"
    return f"{with_interval(left_of(finding))}, {finding.influential_author}"


def factor(finding: Finding) -> str:
    """What one point more of score multiplies the outcome by, with its interval: `1.83 times (1.59 to 2.08)`."""
    value, span = _factor(finding.estimate), ""
    if is_interval(finding):
        low, high = ends(finding)
        span = f" ({_factor(low)} to {_factor(high)})"
    return f"{value} times{span}"


def _factor(log_ratio: float | None) -> str:
    return decimal(None if log_ratio is None else math.exp(log_ratio))


def span(finding: Finding) -> str:
    """Both ends of a share's interval: `28 % to 64 %`."""
    return f"{percent(finding.ci_low)} to {percent(finding.ci_high)}" if is_interval(finding) else "none"


def counted(evidence: Evidence) -> str:
    """What the snapshot contains."""
    n = evidence.data.counts
    rows = [
        ("models", n.models),
        ("authors", n.authors),
        ("models with a card", n.cards),
        ("with an empty one", n.empty),
        ("with none", n.none),
        ("distinct card texts", n.distinct_texts),
        ("models with a score", n.scored_models),
        ("models without a number of downloads", _missing(evidence, "downloads")),
    ]
    return markdown(["what", "number"], [(name, count(value)) for name, value in rows])


def _missing(evidence: Evidence, outcome: str) -> float | None:
    return evidence.finding("missing", outcome, Estimator.WITHOUT_OUTCOME).estimate


def correlations(evidence: Evidence, outcome: str) -> str:
    """Rank correlations of the score with an outcome, in every stratum, by who weighs how much."""
    rows = []
    for stratum, words in STRATA.items():
        author, model, within = (
            evidence.finding("rank_correlation", outcome, name, stratum)
            for name in (
                Estimator.SPEARMAN_PER_AUTHOR,
                Estimator.SPEARMAN,
                Estimator.SPEARMAN_WITHIN_AUTHOR,
            )
        )
        counts = count(model.n), count(model.n_clusters), percent(model.zero_share)
        rows.append((words, *counts, *map(with_interval, (author, model, within)), _without(model)))
        if stratum != "no_card_lowest":
            equal = evidence.finding(
                "partial_rank_correlation", outcome, Estimator.SPEARMAN_GIVEN_CONTROLS, stratum
            )
            rows.append(
                (f"{words}, all else equal", *counts, "–", with_interval(equal), "–", _without(equal))
            )
    heads = ["models", "number", "authors", "zeros", "ρ per author", "ρ per model", "ρ within authors"]
    return markdown([*heads, "ρ per model, without one author"], rows)


def slopes(evidence: Evidence, outcome: str) -> str:
    """What one point more of score goes with, by every estimator, alone and with controls."""
    rows = []
    for estimator, modelled in SLOPES.items():
        asked = (
            ("regression", "all"),
            ("regression_controlled", "all"),
            ("regression_controlled", "without_outliers"),
            ("regression_controlled", "not_generated"),
        )
        # Theil and Sen hold nothing equal.
        cells = [
            "–"
            if estimator == Estimator.THEIL_SEN and question != "regression"
            else _cell(evidence.finding(question, modelled.format(outcome), estimator, stratum))
            for question, stratum in asked
        ]
        rows.append((upper_first(estimator_words(estimator)), *cells))
    heads = [
        "estimator",
        "score alone",
        "all else equal",
        "the same, without outliers",
        "the same, cards not generated",
    ]
    return markdown(heads, rows)


def _cell(slope: Finding) -> str:
    return "–" if slope.estimate is None else factor(slope).replace(" times", "")


def compared(evidence: Evidence, dimension: str) -> str:
    """Libraries or formats: their cards, and how the score goes with popularity within each."""
    rows = (
        (
            str(row["stratum"]),
            count(row["models"]),
            percent(row["cardless_share"]),
            decimal(row["median_score"]),
            count(row["median_downloads"]),
            percent(row["liked_share"]),
            *(
                _marked(_within(evidence, dimension, row["stratum"], outcome))
                for outcome in ("likes", "downloads")
            ),
        )
        for row in largest(evidence, dimension).iter_rows(named=True)
    )
    heads = [dimension, "models", "no card", "median score", "median downloads", "with a like"]
    return markdown([*heads, "ρ with likes", "ρ with downloads"], rows)


def _marked(finding: Finding | None) -> str:
    """With a mark for few authors, and one where the correction for many questions removes the finding."""
    if finding is None or finding.estimate is None:
        return "–"
    return f"{with_interval(finding)}{'†' * ('few_clusters' in finding.flags)}{'‡' * _is_lost(finding)}"


def _is_lost(finding: Finding) -> bool:
    return reading(finding) in ("more", "less") and (finding.p_adjusted or 0.0) > 0.05


def clear(evidence: Evidence, dimension: str, outcome: str) -> str:
    """The strata whose correlation is above zero after the correction, with enough authors to trust the interval."""
    found = [_within(evidence, dimension, name, outcome) for name in largest(evidence, dimension)["stratum"]]
    names = [
        stratum_words(finding.stratum)
        for finding in found
        if finding
        and reading(finding) == "more"
        and not _is_lost(finding)
        and "few_clusters" not in finding.flags
    ]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no library"


def largest(evidence: Evidence, dimension: str) -> pl.DataFrame:
    """The libraries or formats with most models: rows of `sql/out/strata.sql`."""
    return evidence.data.strata.filter(pl.col("dimension") == dimension).head(STRATA_SHOWN)


def _within(evidence: Evidence, dimension: str, stratum: str, outcome: str) -> Finding | None:
    wanted = ("rank_correlation", outcome, Estimator.SPEARMAN, f"{dimension}={stratum}")
    return next(
        (f for f in evidence.data.findings if (f.question, f.outcome, f.estimator, f.stratum) == wanted), None
    )


def tools(evidence: Evidence) -> str:
    """Who wrote the generated cards, and how they score."""
    written = (
        evidence.cards.filter("is_generated")
        .group_by("template")
        .agg(pl.len().alias("cards"), pl.col("author").n_unique().alias("authors"), pl.col("score").median())
    )
    shown = written.filter(pl.col("cards") >= CARDS_OF_A_TOOL).sort(
        "cards", "template", descending=[True, False]
    )
    rows = (
        (
            plain(str(row["template"] or "(none)")),
            *(count(row[name]) for name in ("cards", "authors")),
            decimal(row["score"]),
        )
        for row in shown.iter_rows(named=True)
    )
    return markdown(["generated cards of the tool", "cards", "authors", "median score"], rows)


def filled(evidence: Evidence) -> str:
    """What cards contain, by the popularity of their models."""
    rows = (
        (
            documented_words(outcome),
            *(_share(evidence.share(outcome, tier)) for tier in ("all", *TIERS)),
            percent(evidence.generated_among(outcome)) if outcome.startswith("section:") else "",
        )
        for outcome in ("is_generated", "is_copied", *evidence.sections)
    )
    return markdown(["cards", "all", *TIERS, "of those that have it, generated"], rows)


def _share(finding: Finding) -> str:
    return percent(finding.estimate) + (f" ({span(finding)})" if is_interval(finding) else "")
