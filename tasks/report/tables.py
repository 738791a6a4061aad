"""Frames and findings as tables of text, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

from tasks.estimators import Estimator
from tasks.passport.reading import Line
from tasks.records import Finding
from tasks.rubric import load_rubric
from tasks.sentences.estimates import both_ends, ends, figure, is_interval, without
from tasks.sentences.numbers import count, decimal, percent, probability
from tasks.sentences.words import (
    estimator_words,
    flag_names,
    ingredient_words,
    plain,
    question_words,
    stratum_words,
    upper_first,
)

_KINDS = {"best": "Scored best", "middle": "In the middle", "worst": "Scored worst"}


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """A heading; numbers are aligned to the right."""

    name: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, and the address it links to."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table with its caption; the first cell of a row is the row's heading."""

    caption: str
    columns: tuple[ReportColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table(
    caption: str, columns: str | Sequence[ReportColumn], rows: Iterable[Sequence[str | Cell]]
) -> ReportTable:
    """A table; its columns may be named in one string, `Library | #Models | #Score`, where `#` marks numbers."""
    if isinstance(columns, str):
        heads = [name.strip() for name in columns.split("|")]
        columns = [ReportColumn(head.removeprefix("#"), head.startswith("#")) for head in heads]
    cells = (tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
    return ReportTable(caption, tuple(columns), tuple(cells))


def place(name: str, order: Iterable[str]) -> tuple[int, str]:
    """A sort key: known names in their order, others behind them by name."""
    known = list(order)
    return (known.index(name) if name in known else len(known), name)


def model_link(model_id: str, pages: str | None) -> Cell:
    """The model's id with a link to its page below `pages`, if it has one.

    Ids come from strangers: quoted whole, they cannot leave the path of this address.
    """
    return Cell(model_id, pages and pages + quote(model_id, safe="/"))


def _span(low: float, high: float, places: int = 2) -> str:
    return f"{decimal(low, places)}–{decimal(high, places)}"


def histogram_table(histogram: pl.DataFrame) -> ReportTable:
    """Models per quarter point of score."""
    total = max(1, int(histogram["n"].sum()))
    rows = (
        (_span(row["score_low"], row["score_high"]), count(row["n"]), percent(row["n"] / total))
        for row in histogram.iter_rows(named=True)
    )
    return table("Models by score", "Score | #Models | #Share", rows)


def bins_table(bins: pl.DataFrame, outcome: str) -> ReportTable:
    """Quartiles of an outcome per half point of score."""
    rows = (
        (
            _span(row["score_low"], row["score_high"], 1),
            *(count(row[name]) for name in ("n", "q25", "median", "q75")),
        )
        for row in bins.iter_rows(named=True)
    )
    return table(
        f"{outcome.capitalize()} by score, all scored models",
        "Score | #Models | #Lower quartile | #Median | #Upper quartile",
        rows,
    )


def sections_table(sections: pl.DataFrame) -> ReportTable:
    """Share of cards that fill a section, one column per tier of popularity."""
    tiers = sections["tier"].unique(maintain_order=True).to_list()
    shares: dict[str, dict[str, float]] = {}
    for row in sections.iter_rows(named=True):
        shares.setdefault(row["section"], {})[row["tier"]] = row["fill_share"]
    rows = ((name, *(percent(by_tier.get(tier)) for tier in tiers)) for name, by_tier in shares.items())
    return table(
        "Cards that fill each section, by rank of downloads",
        " | ".join(["Section", *(f"#{t}" for t in tiers)]),
        rows,
    )


def documented_table(findings: Iterable[Finding]) -> ReportTable:
    """Shares of cards with intervals: one row per outcome, one column per tier of popularity."""
    shares: dict[str, dict[str, Finding]] = {}
    for f in findings:
        shares.setdefault(f.outcome, {})[f.stratum] = f
    strata = list(dict.fromkeys(name for by_stratum in shares.values() for name in by_stratum))
    rows = (
        (plain(outcome.removeprefix("section:")), *(_share(by_stratum.get(name)) for name in strata))
        for outcome, by_stratum in shares.items()
    )
    heads = " | ".join(["Cards", *(f"#{stratum_words(name)}" for name in strata)])
    return table("Shares of the cards with 95\u202f% intervals, by rank of downloads", heads, rows)


def _share(finding: Finding | None) -> str:
    if finding is None:
        return "–"
    span = " ({} to {})".format(*map(percent, ends(finding))) if is_interval(finding) else ""
    return f"{percent(finding.estimate)}{span}"


def strata_table(strata: pl.DataFrame, dimension: str) -> ReportTable:
    """Every library or format with its scores and its popularity."""
    rows = (
        (
            row["stratum"],
            *(count(row[name]) for name in ("models", "scored")),
            decimal(row["median_score"]),
            percent(row["cardless_share"]),
            count(row["median_downloads"]),
            percent(row["liked_share"]),
        )
        for row in strata.iter_rows(named=True)
    )
    heads = "#Models | #Scored | #Median score | #Without card | #Median downloads | #With a like"
    return table(f"By {dimension}, 30 models or more", f"{dimension.capitalize()} | {heads}", rows)


def exemplars_table(exemplars: pl.DataFrame, caption: str, pages: str | None) -> ReportTable:
    """Models worth a look, best first; where there is no score, the reason."""
    reasons = {"none": "no card", "empty": "empty card", "failed": "unread", "pending": "unread"}
    rows = (
        (
            model_link(row["model_id"], pages),
            decimal(row["score"])
            if row["score"] is not None
            else reasons.get(row["card_status"], "not scored"),
            count(row["downloads"]),
            count(row["likes"]),
            row["library_name"] or "–",
            row["pipeline_tag"] or "–",
        )
        for row in exemplars.iter_rows(named=True)
    )
    return table(caption, "Model | #Score | #Downloads | #Likes | Library | Pipeline tag", rows)


def failures_table(failures: pl.DataFrame) -> ReportTable:
    """What could not be processed, most frequent first."""
    rows = (
        (row["reason"], row["stage"], count(row["n"]), ", ".join(row["subjects"]), row["detail"] or "–")
        for row in failures.iter_rows(named=True)
    )
    return table("Failures by stage and reason", "Reason | Stage | #Number | For example | Details", rows)


def regression_table(findings: Iterable[Finding], caption: str) -> ReportTable:
    """What one point more of score goes with, by outcome and method."""
    rows = (
        (
            plain(f.outcome).capitalize() + (f", {stratum_words(f.stratum)}" if f.stratum != "all" else ""),
            upper_first(estimator_words(f.estimator)),
            "yes" if f.question.endswith("_controlled") else "no",
            figure(f, f.estimate),
            both_ends(f),
            without(f),
            probability(f.p if f.p_adjusted is None else f.p_adjusted),
            count(f.n),
            percent(f.zero_share),
            percent(f.tie_share),
            flag_names(f.flags),
        )
        for f in sorted(findings, key=lambda f: (plain(f.outcome).split()[::-1], f.stratum, f.question))
    )
    heads = (
        "Outcome | Method | Controls | #One point more | #95\u202f% interval | Without one author | #p | #Models "
        "| #Zeros | #Ties | Remarks"
    )
    return table(caption, heads, rows)


def findings_table(findings: Iterable[Finding]) -> ReportTable:
    """Every finding as the warehouse stores it, estimates in their estimator's unit."""
    rows = (
        (
            question_words(f.question),
            *(f.outcome, f.predictor, f.stratum),
            estimator_words(f.estimator),
            *map(count, (f.n, f.n_clusters)),
            *map(percent, (f.zero_share, f.tie_share)),
            *(decimal(number, 3) for number in (f.estimate, f.ci_low, f.ci_high)),
            *map(probability, (f.p, f.p_adjusted)),
            decimal(f.effective_authors, 1),
            without(f),
            flag_names(f.flags),
        )
        for f in findings
    )
    heads = (
        "Question | Outcome | Predictor | Stratum | Estimator | #Models | #Authors | #Zeros | #Ties | #Estimate "
        "| #Low | #High | #p | #p adjusted | #Effective authors | Without one author | Flags"
    )
    return table("All findings (table out_findings)", heads, rows)


def ingredients_table(findings: Iterable[Finding], order: Sequence[str]) -> ReportTable:
    """Each ingredient and outcome in one row: alone, per author, with controls, and with all others equal too."""
    by = {(f.predictor, f.outcome, f.estimator): f for f in findings}
    keys = dict.fromkeys((name, outcome) for name, outcome, _ in by)
    rows = []
    for name, outcome in sorted(keys, key=lambda key: (place(key[0], order), key[1])):
        alone, per_author, held, jointly = (by.get((name, outcome, each)) for each in _INGREDIENT_ESTIMATORS)
        numbers = [decimal(f.estimate) if f else "–" for f in (alone, per_author, held)]
        rest = (both_ends(held), probability(held.p_adjusted), count(held.n)) if held else ("–",) * 3
        joint = decimal(jointly.estimate) if jointly else "–"
        rows.append(
            (upper_first(ingredient_words(name)), plain(outcome), *numbers, *rest[:2], joint, rest[2])
        )
    heads = (
        "Ingredient | Outcome | #Alone | #Per author | #Equal controls | #95\u202f% interval | #p adjusted "
        "| #Equal ingredients too | #Models"
    )
    return table("What in a card goes with popularity: rank correlations, all models", heads, rows)


_INGREDIENT_ESTIMATORS = (
    Estimator.SPEARMAN,
    Estimator.SPEARMAN_PER_AUTHOR,
    Estimator.SPEARMAN_GIVEN_CONTROLS,
    Estimator.SPEARMAN_GIVEN_ALL,
)


def grid_table(grid: pl.DataFrame, this: str, other: str) -> ReportTable:
    """Texts by the half points of two judges."""
    rows = (
        (*(_span(row[low], row[low] + 0.5, 1) for low in ("score_low", "other_low")), count(row["n"]))
        for row in grid.iter_rows(named=True)
    )
    # Judge names come from servers and may contain the separator of `table`.
    names = [ReportColumn(upper_first(name), is_number=False) for name in (this, other)]
    return table("Texts by both scores", [*names, ReportColumn("Texts")], rows)


def passport_table(title: str, lines: Iterable[Line]) -> ReportTable:
    """One part of a judge's passport."""
    rows = ((line.name, line.estimate, line.interval or "–", count(line.n), line.meaning) for line in lines)
    return table(title, "Measure | #Estimate | #95\u202f% interval | #n | What it says", rows)


def disagreements_table(disagreements: pl.DataFrame, pages: str | None) -> ReportTable:
    """Models whose judges are farthest apart, one column per judge."""
    scores = [{e["key"]: e["value"] for e in entries} for entries in disagreements["scores"]]
    judges = sorted({judge for by_judge in scores for judge in by_judge})
    rows: Iterable[tuple[str | Cell, ...]] = (
        (
            model_link(row["model_id"], pages),
            *(decimal(by_judge.get(judge)) for judge in judges),
            decimal(row["disagreement"]),
            count(row["downloads"]),
        )
        for row, by_judge in zip(disagreements.iter_rows(named=True), scores, strict=True)
    )
    columns = [ReportColumn("Model", is_number=False), *map(ReportColumn, (*judges, "Apart", "Downloads"))]
    return table("The cards on which the judges disagree most", columns, rows)


def explained_tables(explanations: pl.DataFrame) -> list[ReportTable]:
    """One table per card, in the order given: what the judge says about each criterion."""
    titles = {criterion.id: criterion.title for criterion in load_rubric().criteria}
    found = []
    cards = explanations.group_by("kind", "model_id", "score", maintain_order=True)
    for (kind, model_id, score), card in cards:
        cells = (
            (
                titles.get(row["criterion"], plain(row["criterion"])),
                decimal(row["level"], 0),
                f"“{row['quote']}”" if row["quote"] else "–",
                row["improvement"] or "–",
            )
            for row in sorted(card.to_dicts(), key=lambda row: place(row["criterion"], titles)[0])
        )
        caption = f"{_KINDS.get(str(kind), str(kind))}: {model_id}, {decimal(score)}"
        heads = "Criterion | #Level | Evidence in the card | What would improve it"
        found.append(table(caption, heads, cells))
    return found
