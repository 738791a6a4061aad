"""The event study of card edits: planted effects found, none invented, and the doubts that are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.stats import panel_of
from tasks.demo import popularity
from tasks.demo.corpus import LAST_SNAPSHOT, make_plan
from tasks.findings.edit_effects import OUTCOMES, EditOutcome, edit_effects, stack, with_edits
from tasks.findings.sample import Stamp
from tasks.findings.weekly import weekly
from tasks.records import Finding
from tasks.sentences.edits import edit_verdict
from tasks.sentences.estimates import ends
from tasks.sentences.findings import sentence

FIRST = date(2026, 1, 5)
STAMP = Stamp(FIRST, "checklist", "f1")
DOWNLOADS = [outcome for outcome in OUTCOMES if outcome.name == "downloads_gained"]
Found = dict[tuple[str, str, str, str, str], Finding]


def panel(
    *,
    effect: float,
    trend: float = 0.0,
    placebo: float = 0.0,
    models: int = 700,
    weeks: int = 14,
    seed: int = 5,
) -> pl.DataFrame:
    """Models that gain likes and downloads every week; a fifth is documented better, a fifth touched up."""
    rng = np.random.default_rng(seed)
    author = rng.integers(0, models // 4, models)
    rate = np.exp(0.8 + 0.5 * rng.normal(size=models // 4)[author] + 0.3 * rng.normal(size=models))
    kind = rng.choice(["documented", "cosmetic", "none"], models, p=[0.2, 0.2, 0.6])
    edit = rng.integers(3, weeks - 4, models)
    week = np.arange(weeks)
    since = week[None, :] - edit[:, None]
    log = np.log(rate)[:, None] + 0.02 * week[None, :]
    log = log + np.where((kind == "documented")[:, None] & (since >= 1), effect, 0.0)
    log = log + np.where((kind == "documented")[:, None], trend * np.clip(since, -4, 4), 0.0)
    log = log + np.where((kind == "cosmetic")[:, None] & (since >= 1), placebo, 0.0)
    likes, downloads = (rng.poisson(np.exp(log + more)).cumsum(axis=1) for more in (0.0, 2.0))
    at, when = np.meshgrid(np.arange(models), week, indexing="ij")
    is_edited = (since == 0) & (kind != "none")[:, None]
    return pl.DataFrame(
        {
            "snapshot": [FIRST + timedelta(weeks=int(w)) for w in when.ravel()],
            "model_id": [f"m{i:04}" for i in at.ravel()],
            "author": [f"a{author[i]}" for i in at.ravel()],
            "age_days": 7 * (when.ravel() + 60),
            "downloads": downloads.ravel(),
            "downloads_all_time": downloads.ravel(),
            "likes": likes.ravel(),
            "is_edited": is_edited.ravel(),
            "is_documented": (is_edited & (kind == "documented")[:, None]).ravel(),
        }
    )


def found(rows: pl.DataFrame, outcomes: Sequence[EditOutcome] = OUTCOMES) -> Found:
    return {
        (f.question, f.outcome, f.predictor, f.stratum, f.estimator): f
        for f in edit_effects(rows, STAMP, outcomes=outcomes)
    }


def effect_of(rows: Found, predictor: str = "documentation_edit", outcome: str = "likes_gained") -> Finding:
    return rows["edit_effect", outcome, predictor, "all", "poisson_stacked"]


@pytest.fixture(scope="module")
def planted() -> Found:
    return found(panel(effect=0.4))


def test_a_planted_effect_is_found_and_none_of_the_placebo(planted: Found) -> None:
    for outcome in ("likes_gained", "downloads_gained"):
        effect = effect_of(planted, outcome=outcome)
        low, high = ends(effect)
        assert 0 < low < 0.4 < high
        placebo = effect_of(planted, "cosmetic_edit", outcome)
        low, high = ends(placebo)
        assert low < 0 < high


def test_the_curve_is_flat_before_the_edit_and_lifted_after_it(planted: Found) -> None:
    curve = {
        int(f.stratum.removeprefix("week=")): f.estimate
        for f in planted.values()
        if (f.question, f.outcome, f.predictor) == ("edit_curve", "downloads_gained", "documentation_edit")
    }
    assert sorted(curve) == [-4, -3, -2, 0, 1, 2, 3, 4]
    assert [curve[week] for week in (-4, -3, -2, 0)] == pytest.approx([0] * 4, abs=0.08)
    assert [curve[week] for week in (1, 2, 3, 4)] == pytest.approx([0.4] * 4, abs=0.08)


def test_local_projections_agree_on_the_side(planted: Found) -> None:
    row = planted["edit_effect", "log1p_likes_gained", "documentation_edit", "all", "lpdid"]
    assert row.ci_low is not None
    assert row.ci_low > 0


def test_what_could_be_found_is_told_with_what_was(planted: Found) -> None:
    power = planted["edit_power", "likes_gained", "documentation_edit", "all", "minimum_detectable"]
    effect = effect_of(planted)
    low, high = ends(effect)
    # Of an interval that inverts a test, so its two sides differ, with a critical value from reassignments, not 1.96.
    assert power.estimate == pytest.approx(2.8 / 3.92 * (high - low), rel=0.06)
    assert "80\u202f% power" in sentence(power)


def test_an_effect_without_doubts_may_be_called_one(planted: Found) -> None:
    assert (edit_verdict(planted.values(), "likes_gained") or "").startswith("This may be read as an effect")


def test_a_trend_before_the_edit_makes_it_an_association() -> None:
    rows = found(panel(effect=0.0, trend=0.1), DOWNLOADS)
    assert rows["edit_pretrend", "downloads_gained", "documentation_edit", "all", "wald"].p == pytest.approx(
        0, abs=0.01
    )
    verdict = edit_verdict(rows.values(), "downloads_gained") or ""
    assert verdict.startswith("This is an association")
    assert "differently already before" in verdict


def test_a_placebo_with_the_like_makes_it_an_association() -> None:
    verdict = (
        edit_verdict(found(panel(effect=0.4, placebo=0.4), DOWNLOADS).values(), "downloads_gained") or ""
    )
    assert "document nothing more are followed by a difference too" in verdict


def test_nothing_planted_is_nothing_found() -> None:
    rows = found(panel(effect=0.0, seed=6), DOWNLOADS)
    assert (edit_verdict(rows.values(), "downloads_gained") or "").startswith("No effect is visible")


def test_controls_have_no_edit_until_their_window_ends() -> None:
    weeks = with_edits(weekly(panel(effect=0.0)))
    stacked = stack(weeks, "documented", seed=1)
    controls = stacked.filter(~pl.col("is_treated"))
    first = pl.min_horizontal("documented", "cosmetic")
    assert controls.filter(first <= pl.col("stack") + 4).is_empty()
    assert not controls.filter(first.is_not_null()).is_empty()
    treated = stacked.filter("is_treated")
    assert (treated["documented"] == treated["stack"]).all()


def test_the_controls_that_are_drawn_do_not_hang_on_the_order_of_the_rows() -> None:
    rows = panel(effect=0.3, models=300)
    drawn, again = (
        stack(with_edits(weekly(each)), "documented", seed=1)
        for each in (rows, rows.sample(fraction=1.0, shuffle=True, seed=9))
    )
    assert drawn.equals(again)


def test_the_same_rows_in_any_order_have_the_same_findings() -> None:
    rows = panel(effect=0.1, models=400)
    again = rows.sample(fraction=1.0, shuffle=True, seed=9)
    assert edit_effects(rows, STAMP, outcomes=OUTCOMES[:2]) == edit_effects(
        again, STAMP, outcomes=OUTCOMES[:2]
    )


def test_a_sentence_says_that_p_is_by_randomisation(planted: Found) -> None:
    effect = planted["edit_effect", "log1p_downloads", "documentation_edit", "all", "ols_stacked"]
    assert "p 0.001 by randomisation" in sentence(effect)
    trend = planted["edit_pretrend", "log1p_downloads", "documentation_edit", "all", "wald"]
    assert "test by randomisation: p" in sentence(trend)


def test_fewer_than_thirty_edits_are_said_and_not_estimated() -> None:
    rows = found(panel(effect=0.4, models=80))
    effect = effect_of(rows)
    assert (effect.estimate, effect.flags) == (None, ["few_clusters", "few_edits"])


def test_fewer_than_six_weeks_are_no_panel() -> None:
    rows = panel(effect=0.4).filter(pl.col("snapshot") < FIRST + timedelta(weeks=5))
    assert edit_effects(rows, STAMP) == []


def test_every_finding_has_a_sentence(planted: Found) -> None:
    for row in planted.values():
        for said in (sentence(row), sentence(replace(row, estimate=None, ci_low=None, ci_high=None, p=None))):
            assert said[0].isupper()
            assert said.endswith(".")


def test_the_made_up_hub_s_planted_effects_are_recovered() -> None:
    plan = make_plan(models=2000, weeks=12, seed=7, end=LAST_SNAPSHOT)
    rows = found(panel_of(plan), [outcome for outcome in OUTCOMES if outcome.is_count])
    planted = {
        "likes_gained": popularity.EDIT_EFFECT_LIKES,
        "downloads_gained": popularity.EDIT_EFFECT_DOWNLOADS,
    }
    for outcome, effect in planted.items():
        low, high = ends(effect_of(rows, outcome=outcome))
        assert low < effect < high
        low, high = ends(effect_of(rows, "cosmetic_edit", outcome))
        assert low < 0 < high
    low, _ = ends(effect_of(rows, outcome="downloads_gained"))
    assert low > 0


def test_young_models_are_neither_edited_nor_controls() -> None:
    rows = panel(effect=0.0).with_columns(
        age_days=pl.when(pl.col("model_id") < "m0100").then(7 * 2).otherwise(pl.col("age_days"))
    )
    unknown = rows.with_columns(age_days=pl.lit(None, pl.Int64))
    late = rows.filter((pl.col("model_id") < "m0600") | (pl.col("snapshot") > FIRST + timedelta(weeks=9)))
    weeks = [with_edits(weekly(table)) for table in (rows, unknown, late)]
    kept = [set(stack(each, "documented", seed=1)["model_id"]) for each in weeks]
    assert min(kept[0]) == "m0100"
    assert min(kept[1]) < "m0100"
    assert not {name for name in kept[2] if name >= "m0600"}


def test_where_nobody_gains_anything_nothing_is_estimated() -> None:
    still = panel(effect=0.0, models=400).with_columns(
        likes=pl.lit(3), downloads=pl.lit(0), downloads_all_time=pl.lit(0)
    )
    effects = [row for row in found(still).values() if row.question == "edit_effect"]
    assert {row.outcome for row in effects if "few_edits" in row.flags} == {
        "likes_gained",
        "downloads_gained",
    }
    assert all(row.ci_low is None for row in effects)


@pytest.mark.parametrize("weeks", [6, 7, 8, 9])
def test_few_weeks_are_estimated_as_far_as_they_go(weeks: int) -> None:
    rows = panel(effect=0.5, weeks=14).filter(
        pl.col("snapshot").is_between(FIRST + timedelta(weeks=4), FIRST + timedelta(weeks=3 + weeks))
    )
    low, _ = ends(effect_of(found(rows, DOWNLOADS), outcome="downloads_gained"))
    assert low > 0


def test_one_famous_model_does_not_decide_what_follows_an_edit() -> None:
    rows = panel(effect=0.4)
    edited = rows.filter("is_documented", pl.col("snapshot") == FIRST + timedelta(weeks=6))["model_id"].min()
    is_famous = pl.col("model_id") == edited
    week = (pl.col("snapshot") - FIRST).dt.total_days() // 7
    # A hundred thousand downloads a week until its edit, a tenth of that afterwards.
    total = pl.when(week <= 6).then(week * 100_000).otherwise(600_000 + (week - 6) * 10_000)
    famous = rows.with_columns(
        downloads_all_time=pl.when(is_famous).then(total).otherwise(pl.col("downloads_all_time")),
        downloads=pl.when(is_famous).then(pl.lit(400_000)).otherwise(pl.col("downloads")),
    )
    effect = effect_of(found(famous, DOWNLOADS), outcome="downloads_gained")
    assert effect.estimate == pytest.approx(0.4, abs=0.1)


def test_few_authors_of_edited_models_have_no_interval_however_many_the_others_have() -> None:
    author = pl.when(pl.col("is_documented").any().over("model_id")).then(
        pl.concat_str(pl.lit("few"), pl.col("model_id").str.slice(-1).cast(pl.Int64) % 8)
    )
    rows = panel(effect=0.4).with_columns(author=author.otherwise(pl.col("author")))
    effect = effect_of(found(rows, DOWNLOADS), outcome="downloads_gained")
    assert (effect.ci_low, "few_clusters" in effect.flags) == (None, True)
