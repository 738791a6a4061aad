"""The page's figures: a chart, the sentence that it shows, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt
import polars as pl

from tasks import charts
from tasks.charts.summaries import POINTS_MAX, Popularity, drawn_bins, outcome_by_score, scored
from tasks.records import Finding, PassportEntry
from tasks.report.data import Judging, ReportData
from tasks.report.tables import (
    Table,
    bins_table,
    documented_table,
    findings_table,
    grid_table,
    histogram_table,
    sections_table,
    strata_table,
)
from tasks.rubric import load_rubric
from tasks.sentences import (
    as_people_score,
    count,
    decimal,
    edit_verdict,
    ends,
    estimator_words,
    is_interval,
    is_ranked,
    judge_words,
    main_finding,
    models,
    percent,
    plain,
    reading,
    sentence,
    stratum_words,
    texts,
    upper_first,
)

_RANK_ORDER = (
    "spearman",
    "kendall",
    "spearman_given_controls",
    "spearman_given_age_days",
    "spearman_given_parameters",
    "spearman_given_author_models",
    "spearman_given_downloads",
)
_STRATUM_ORDER = ("all", "without_outliers", "not_generated", "no_card_lowest")
_ROW_WORDS = {
    "spearman": "Spearman",
    "kendall": "Kendall",
    "spearman_given_controls": "all else equal",
    "spearman_given_age_days": "equal age",
    "spearman_given_parameters": "equal size",
    "spearman_given_author_models": "equal author size",
    "spearman_given_downloads": "equal downloads",
}
_SERIES_WORDS = {"no_card_lowest": "no card as the lowest"}
_ROWS_MAX = 18  # more lines than this nobody compares by eye; the table below the chart has them all


Group: TypeAlias = "Figure | list[Figure]"


@dataclass(frozen=True, slots=True)
class Figure:
    """`spec` is Vega-Lite, or None where there is nothing to draw; then `says` tells why."""

    name: str
    title: str
    says: str
    spec: dict[str, Any] | None = None
    table: Table | None = None
    note: str = ""


def spec(chart: alt.Chart | alt.LayerChart, says: str) -> dict[str, Any]:
    """The chart as Vega-Lite without looks of its own; its description is what a screen reader says."""
    drawn: dict[str, Any] = chart.to_dict()
    drawn.pop("config", None)
    drawn["description"] = says
    return drawn


def every(data: ReportData) -> dict[str, Group]:
    """All figures of the page, by the place that the template has for them."""
    return {
        "spread": spread(data),
        "downloads": popularity(data, "downloads"),
        "likes": popularity(data, "likes"),
        "association": association(data),
        "slopes": [slopes(data, outcome) for outcome in ("downloads", "likes")],
        "judge_error": _known([judge_error(data)]),
        "edits": _known(edits(data, outcome) for outcome in ("likes_gained", "downloads_gained")),
        "sections": sections(data),
        "documented": _known([documented(data)]),
        "strata": _known(
            drawn
            for dimension in ("library", "format")
            for drawn in (stratum_scores(data, dimension), stratum_associations(data, dimension))
        ),
        "agreement": _known([agreement(data.judging.passport)]),
        "compared": compared(data.judge.judge, data.judging),
    }


def _known(figures: Iterable[Figure | None]) -> list[Figure]:
    return [figure for figure in figures if figure is not None]


def spread(data: ReportData) -> Figure:
    """How scores are spread."""
    title, histogram = "How scores are spread", data.histogram
    total = int(histogram["n"].sum())
    if not total:
        return Figure(
            "spread", title, "No card of this snapshot has a score yet, so there is nothing to draw."
        )
    low, high = (
        int(histogram.filter(test)["n"].sum()) / total
        for test in (pl.col("score_low") < 2, pl.col("score_low") >= 4)
    )
    median = data.counts.median_score
    says = (
        f"Of {models(total)} with a score, half score {decimal(median)} or less; "
        f"{percent(low)} score below 2 and {percent(high)} score 4 or more."
    )
    chart = charts.how_scores_are_spread(histogram, median)
    return Figure("spread", title, says, spec(chart, says), histogram_table(histogram))


def _slope(findings: Iterable[Finding], outcome: Popularity) -> Finding | None:
    """The Huber slope of log(1 + outcome) on the score over all models, where it can be used."""
    wanted = ("regression", f"log1p_{outcome}", "score", "all", "huber")
    return next(
        (
            f
            for f in findings
            if (f.question, f.outcome, f.predictor, f.stratum, f.estimator) == wanted
            and reading(f) != "nothing"
        ),
        None,
    )


def _typical(bins: pl.DataFrame, outcome: str) -> str:
    """Medians at both ends of the scale, for those who do not see the chart."""
    ends = drawn_bins(bins)
    if ends.height < 2:
        return ""
    lowest, highest = (
        f"{count(row['median'])} at scores of {decimal(row['score_low'], 1)} to {decimal(row['score_high'], 1)}"
        for row in (ends.row(0, named=True), ends.row(-1, named=True))
    )
    return f"Median {outcome}: {lowest}, {highest}."


def popularity(data: ReportData, outcome: Popularity) -> Figure:
    """Score against downloads or likes."""
    name, title = f"score-{outcome}", f"Score and {outcome}"
    known = scored(data.models, outcome)
    if known.is_empty():
        return Figure(name, title, f"No model has both a score and a number of {outcome}: nothing to draw.")
    if not known[outcome].max():
        return Figure(
            name, title, f"None of {models(known.height)} with a score has any {outcome}: nothing to draw."
        )
    fit, bins = _slope(data.findings, outcome), outcome_by_score(data.models, outcome)
    told = fit or main_finding(data.findings, outcome)
    says = " ".join(part for part in (sentence(told) if told else "", _typical(bins, outcome)) if part)
    chart = charts.score_against_popularity(data.models, outcome, fit)
    says = says or f"{models(known.height)} by score and {outcome}."
    return Figure(
        name,
        title,
        says,
        spec(chart, says),
        bins_table(bins, outcome),
        _how_to_read(known.height, outcome, fit),
    )


def _how_to_read(n: int, outcome: str, fit: Finding | None) -> str:
    shown = models(n) if n <= POINTS_MAX else f"{count(POINTS_MAX)} of {models(n)}, drawn by lot"
    line = (
        " The line is the Huber slope through the middle of the cloud, with the range of its interval."
        if fit
        else ""
    )
    return (
        f"Each dot is a model ({shown}). The large dot is the median of a half point of score, the bar the middle "
        f"half of its models. {outcome.capitalize()} stand on a logarithmic scale with a place for zero.{line}"
    )


def sections(data: ReportData) -> Figure:
    """Which sections are filled."""
    title = "Which sections are filled"
    frame = data.sections.with_columns(pl.col("section").str.replace_all("_", " ", literal=True))
    if frame.is_empty():
        return Figure("sections", title, "No card has been parsed yet, so no section can be counted.")
    overall = (
        frame.group_by("section")
        .agg((pl.col("n_filled").sum() / pl.col("n").sum()).alias("share"))
        .sort(-pl.col("share"), "section")
    )
    listed = [f"{row['section']} ({percent(row['share'])})" for row in overall.iter_rows(named=True)]
    says = f"Filled most often: {', '.join(listed[:3])}."
    if len(listed) > 3:
        says += f" Least often: {', '.join(listed[-3:][::-1])}."
    chart = charts.which_sections_are_filled(frame)
    note = "Tiers are by rank of downloads among all listed models; shares are of the cards in the tier."
    return Figure("sections", title, says, spec(chart, says), sections_table(frame), note)


_TIERS = ("tier=top 1 %", "tier=next 9 %", "tier=next 40 %", "tier=the rest")
_DOCUMENTED = {"is_generated": "Generated by a tool", "is_copied": "Nearly the same as others"}


def documented(data: ReportData) -> Figure | None:
    """What cards hold by how popular their models are, with intervals; None where nothing was estimated."""
    asked = [f for f in data.findings if f.question == "documentation"]
    overall = {f.outcome: f.estimate or 0.0 for f in asked if f.stratum == "all"}
    # Sections as they are filled over all cards, below what says that nobody wrote the card.
    order = sorted(overall, key=lambda name: (_place(name, tuple(_DOCUMENTED))[0], -overall[name], name))
    drawable = [f for f in asked if f.stratum in _TIERS and f.outcome in overall and is_interval(f)]
    drawable.sort(key=lambda f: (order.index(f.outcome), _TIERS.index(f.stratum)))
    if not drawable:
        return None
    title = "What is documented, by how popular the models are"
    says = _by_popularity(drawable)
    frame = _intervals(drawable, lambda f: documented_words(f.outcome), lambda f: stratum_words(f.stratum))
    note = (
        "Marks are shares of the cards in each tier by rank of downloads, lines their 95\u202f% intervals over "
        "authors; where a tier has too few authors for an interval, it is not drawn. “Nearly the same” are cards whose "
        "text several models share but for names and numbers."
    )
    tiers = sorted({f.stratum for f in drawable}, key=_TIERS.index)
    chart = charts.what_is_documented(frame, [stratum_words(tier) for tier in tiers])
    return Figure("documented", title, says, spec(chart, says), documented_table(asked), note)


def documented_words(outcome: str) -> str:
    """What a share of cards has, as a heading: generated, copied, or a filled section."""
    return _DOCUMENTED.get(outcome) or upper_first(plain(outcome.removeprefix("section:")))


def _by_popularity(findings: list[Finding]) -> str:
    """Which shares differ between the first and the last tier drawn, as far as intervals that are apart tell."""
    by = {(f.outcome, f.stratum): f for f in findings}
    drawn = sorted({f.stratum for f in findings}, key=_TIERS.index)
    first, last = drawn[0], drawn[-1]
    outcomes = [name for name, tier in by if tier == first and (name, last) in by]
    if first == last or not outcomes:
        return "Shares of the cards, with their intervals; no two tiers can be compared."
    pairs = {documented_words(name).lower(): (by[name, first], by[name, last]) for name in outcomes}
    more = [words for words, (one, other) in pairs.items() if ends(one)[0] > ends(other)[1]]
    fewer = [words for words, (one, other) in pairs.items() if ends(one)[1] < ends(other)[0]]
    return (
        f"More frequent in the {stratum_words(first)} of models by downloads than in the last tier, by intervals that "
        f"are apart: {', '.join(more) or 'none'}. Less frequent: {', '.join(fewer) or 'none'}. "
        f"Intervals that overlap: {len(pairs) - len(more) - len(fewer)} of {len(pairs)}."
    )


def _tally(findings: list[Finding]) -> str:
    """How many intervals lie on which side of zero."""
    said = [reading(f) for f in findings]
    sides = {"more": "above zero", "unclear": "around zero", "less": "below zero"}
    parts = [f"{said.count(kind)} {words}" for kind, words in sides.items() if kind in said]
    if len(parts) == 1 and len(said) > 1:
        return f"{'Both' if len(said) == 2 else f'All {len(said)}'} intervals lie {sides[said[0]]}."
    return f"Of {len(said)} interval{'s' * (len(said) != 1)}: {', '.join(parts)}."


def _intervals(findings: Iterable[Finding], row: Any, series: Any) -> pl.DataFrame:
    rows = [
        {"row": row(f), "series": series(f), "estimate": f.estimate, "ci_low": f.ci_low, "ci_high": f.ci_high}
        for f in findings
    ]
    return pl.DataFrame(rows)


def _drawable(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if is_interval(f) and reading(f) != "nothing"]


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    """Known names in their order, others behind them by name."""
    return (order.index(name) if name in order else len(order), name)


def _rank_row(finding: Finding) -> str:
    how = _ROW_WORDS.get(finding.estimator) or estimator_words(finding.estimator)
    return f"{plain(finding.outcome).capitalize()}, {how}"


def association(data: ReportData) -> Figure:
    """How strong the association is: rank correlations over all models, and with outliers left out."""
    name, title = "association", "How strongly score and popularity go together"
    asked = [
        f
        for f in data.findings
        if f.question in ("rank_correlation", "partial_rank_correlation")
        and f.predictor == "score"
        and "=" not in f.stratum
    ]
    asked.sort(key=lambda f: (f.outcome, _place(f.estimator, _RANK_ORDER), _place(f.stratum, _STRATUM_ORDER)))
    drawable = _drawable(asked)
    if not drawable:
        return Figure(
            name, title, "No correlation could be estimated: too few scored models.", None, _maybe(asked)
        )
    says = _tally(drawable)
    frame = _intervals(
        drawable, _rank_row, lambda f: _SERIES_WORDS.get(f.stratum) or stratum_words(f.stratum)
    )
    chart = charts.how_strong_is_the_association(frame, "Rank correlation with the score")
    note = (
        "Marks are estimates, lines their 95\u202f% intervals; a line that touches zero says that there may be no "
        "association. Rank correlations run from −1 to 1; Kendall’s is the smaller by its nature. “Equal age” and "
        "the like are Spearman’s with that held fixed: the age, the number of parameters, the number of the author’s "
        "models, the downloads; “all else equal” holds library, format and pipeline tag as well."
    )
    return Figure(name, title, says, spec(chart, says), findings_table(asked), note)


def _maybe(findings: list[Finding]) -> Table | None:
    return findings_table(findings) if findings else None


def stratum_scores(data: ReportData, dimension: str) -> Figure:
    """How libraries or formats compare in score."""
    name, title = f"scores-{dimension}", f"Scores by {dimension}"
    frame = data.strata.filter(pl.col("dimension") == dimension)
    known = frame.drop_nulls("median_score")
    if known.is_empty():
        return Figure(name, title, f"No {dimension} has 30 models with a score: nothing to compare.")
    top = known.head(_ROWS_MAX)
    best, worst = (top.sort("median_score", descending=order).row(0, named=True) for order in (True, False))
    says = f"Highest median score: {best['stratum']} ({decimal(best['median_score'])})"
    if best["stratum"] != worst["stratum"]:
        says += f"; lowest: {worst['stratum']} ({decimal(worst['median_score'])})"
    chart = charts.how_strata_compare(top)
    note = f"The {_ROWS_MAX} with most models of {known.height}." if known.height > _ROWS_MAX else ""
    return Figure(name, title, f"{says}.", spec(chart, says), strata_table(frame, dimension), note)


def stratum_associations(data: ReportData, dimension: str) -> Figure | None:
    """Spearman's correlation within each library or format; None where none was asked."""
    asked = [
        f
        for f in data.findings
        if (f.question, f.estimator, f.predictor) == ("rank_correlation", "spearman", "score")
        and f.stratum.startswith(f"{dimension}=")
    ]
    drawable = _drawable(asked)
    if not asked:
        return None
    name, title = f"association-{dimension}", f"Association within each {dimension}"
    if not drawable:
        return Figure(name, title, f"No {dimension} has enough models for an interval.", None, _maybe(asked))
    by_size = sorted({f.stratum: f.n for f in drawable}.items(), key=lambda item: (-item[1], item[0]))
    shown = [stratum for stratum, _ in by_size[:_ROWS_MAX]]
    drawn = sorted(
        (f for f in drawable if f.stratum in shown), key=lambda f: (shown.index(f.stratum), f.outcome)
    )
    says = _tally(drawn)
    frame = _intervals(drawn, lambda f: stratum_words(f.stratum), lambda f: plain(f.outcome))
    chart = charts.how_strong_is_the_association(frame, "Spearman ρ with the score")
    return Figure(name, title, says, spec(chart, says), findings_table(asked))


_AGREEING = {
    ("agreement", "quadratic_kappa"): "judge and people",
    ("raters", "mean_pairwise_kappa"): "two people",
}


_SLOPES = ("huber", "tukey", "median", "theil_sen", "poisson", "logit", "hurdle_log")
_SLOPE_WORDS = {
    "huber": "Huber",
    "tukey": "Tukey biweight",
    "median": "Median",
    "theil_sen": "Theil–Sen",
    "poisson": "Poisson",
    "logit": "Logistic",
    "hurdle_log": "Those with any",
}
_REGRESSIONS = {"regression": "score alone", "regression_controlled": "all else equal"}


def slopes(data: ReportData, outcome: Popularity) -> Figure:
    """What one point more of score goes with, by every estimator: alone and controlled, with outliers and without."""
    name, title = f"slopes-{outcome}", f"One point more of score and {outcome}, by every estimator"
    asked = [
        f
        for f in data.findings
        if f.question in _REGRESSIONS
        and f.predictor == "score"
        and plain(f.outcome).removeprefix("any ") == outcome
        and f.stratum in ("all", "without_outliers")
    ]
    asked.sort(key=lambda f: (_place(f.estimator, _SLOPES), f.question, _place(f.stratum, _STRATUM_ORDER)))
    drawable = _drawable(asked)
    if not drawable:
        return Figure(name, title, f"No slope could be estimated for {outcome}.", None, _maybe(asked))
    says = _tally(drawable)
    frame = _intervals(
        drawable,
        lambda f: _SLOPE_WORDS.get(f.estimator) or upper_first(estimator_words(f.estimator)),
        lambda f: _REGRESSIONS[f.question] + ", no outliers" * (f.stratum == "without_outliers"),
    )
    chart = charts.how_strong_is_the_association(frame, "Difference a point of score")
    note = (
        "Log points for the slopes of log1p, for the counts (Poisson) and for those with any; log odds of having any "
        "(logistic). What they measure differs, so compare signs and what touches zero rather than sizes."
    )
    return Figure(name, title, says, spec(chart, says), findings_table(asked), note)


def judge_error(data: ReportData) -> Figure | None:
    """What one point more of score goes with, as the judge scores and as people do; None where nobody labelled."""
    asked = [f for f in data.findings if f.question == "judge_error"]
    said = [as_people_score(asked, outcome) for outcome in ("downloads", "likes")]
    told = " ".join(one for one in said if one)
    if not told:
        return None
    name, title = "judge-error", "As the judge scores, and as people would"
    drawable = [f for f in _drawable(asked) if not is_ranked(f)]
    note = (
        "Three estimates: by the judge’s score of all models, by the score that people would give them, and by the "
        "labelled models alone. The second takes from the labels how the judge errs (predict-then-debias). All three "
        "hold equal what the labelled models can bear. Lines are 95 % intervals over authors."
    )
    if not drawable:
        return Figure(name, title, told, None, findings_table(asked), note)
    chart = charts.how_strong_is_the_association(
        _intervals(
            drawable, lambda f: f"{upper_first(plain(f.outcome))}, {estimator_words(f.estimator)}", _scored_by
        ),
        "Difference of logarithms a point of score",
    )
    return Figure(name, title, told, spec(chart, told), findings_table(asked), note)


def _scored_by(finding: Finding) -> str:
    if finding.predictor == "score":
        return "as the judge scores"
    return "people, labelled models alone" if finding.stratum == "labelled" else "as people would, all models"


_EDITS = {"documentation_edit": "documenting more", "cosmetic_edit": "documenting nothing more"}


def edits(data: ReportData, outcome: str) -> Figure | None:
    """What edited models gain beside models not edited yet, around the edit; None where nothing was estimated."""
    of_outcome = [f for f in data.findings if f.outcome == outcome and f.question.startswith("edit_")]
    curve = [f for f in of_outcome if f.question == "edit_curve" and is_interval(f)]
    verdict = edit_verdict(of_outcome, outcome)
    if not curve or verdict is None:
        return None
    rows = [
        {
            "week": int(f.stratum.removeprefix("week=")),
            "series": _EDITS[f.predictor],
            "estimate": f.estimate,
            "ci_low": f.ci_low,
            "ci_high": f.ci_high,
        }
        for f in curve
    ]
    base = [
        {"week": -1, "series": name, "estimate": 0.0, "ci_low": 0.0, "ci_high": 0.0}
        for name in dict.fromkeys(row["series"] for row in rows)
    ]
    frame = pl.DataFrame([*rows, *base]).sort("series", "week")
    effect = next(f for f in of_outcome if (f.question, f.predictor) == ("edit_effect", "documentation_edit"))
    says = f"{sentence(effect)} {verdict}"
    title = f"{upper_first(plain(outcome))} around an edit of the card"
    chart = charts.how_an_edit_is_followed(frame, "Difference of logarithms to week −1")
    note = (
        "Models whose card was edited beside models of the same weeks whose card was not edited yet; week −1 is the "
        "base. Lines are 95 % intervals over authors."
    )
    return Figure(f"edits-{outcome}", title, says, spec(chart, says), findings_table(of_outcome), note)


def agreement(passport: Iterable[PassportEntry]) -> Figure | None:
    """Weighted kappas overall and by criterion; None where there are not two intervals to look at."""
    titles = {"score": "Overall score"} | {c.id: c.title for c in load_rubric().criteria}
    rows = [
        {
            "row": titles.get(entry.subject, plain(entry.subject)),
            "series": _AGREEING[entry.probe, entry.measure],
            "estimate": entry.estimate,
            "ci_low": entry.ci_low,
            "ci_high": entry.ci_high,
        }
        for subject in titles
        for entry in passport
        if entry.subject == subject
        and (entry.probe, entry.measure) in _AGREEING
        and None not in (entry.estimate, entry.ci_low, entry.ci_high)
    ]
    if len(rows) < 2:
        return None
    says = _where_they_agree(
        [row for row in rows if row["series"] == _AGREEING["agreement", "quadratic_kappa"]]
    )
    chart = charts.how_far_judge_and_people_agree(pl.DataFrame(rows), "Quadratic weighted kappa")
    note = (
        "Marks are estimates, lines their 95\u202f% intervals. 1 is full agreement, 0 what chance would give; where "
        "people disagree among themselves, no judge can be expected to agree with all of them."
    )
    return Figure("agreement", "Judge and people", says, spec(chart, says), None, note)


def _where_they_agree(rows: list[dict[str, Any]]) -> str:
    ordered = sorted(rows, key=lambda row: -row["estimate"])
    if len(ordered) < 2:
        return "Judge and people, beside people among themselves."
    best, worst = (f"{row['row'].lower()} ({decimal(row['estimate'])})" for row in (ordered[0], ordered[-1]))
    return f"Judge and people are closest on {best} and farthest apart on {worst}."


def compared(judge: str, judging: Judging) -> list[Figure]:
    """The judge beside each other one whose grid was read."""
    others = judging.others.filter(pl.col("fingerprint").is_in(list(judging.grids))).to_dicts()
    return [
        judges_compared(number, judge, other, judging.grids[other["fingerprint"]])
        for number, other in enumerate(others)
    ]


def judges_compared(number: int, judge: str, other: Mapping[str, Any], grid: pl.DataFrame) -> Figure:
    """The texts that two judges scored, by what each gave them; `other` is a row of `sql/out/other_judges.sql`."""
    this, that = judge_words(judge), judge_words(other["judge"])
    if this == that:
        that = f"{that} ({other['fingerprint'][:8]})"
    chart = charts.how_two_judges_compare(grid, this, that)
    says = _sides(grid, this, that)
    title = f"{upper_first(this)} beside {that}"
    note = "Each cell is half a point wide and high and says how many texts lie in it; on the broken line both agree."
    return Figure(f"judges-{number}", title, says, spec(chart, says), grid_table(grid, this, that), note)


def _sides(grid: pl.DataFrame, this: str, that: str) -> str:
    step, n = pl.col("score_low") - pl.col("other_low"), int(grid["n"].sum())
    same, more, less = (
        percent(int(grid.filter(side)["n"].sum()) / n) for side in (step == 0, step > 0, step < 0)
    )
    return (
        f"Of {texts(n)} that both scored, {same} fall into the same half point, {more} into a higher one with {this} "
        f"and {less} into a higher one with {that}."
    )
