"""The estimate of what a snapshot will take: from documented rates, or from what this home has measured."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.operations.history import rates_of
from tasks.operations.planning import (
    PlanRequest,
    Rate,
    at_quota_s,
    documented_rates,
    first_costs,
    next_costs,
    quota,
    rates_used,
)
from tasks.replica.protocol import PLANS, plan_of
from tasks.settings import SQL_DIR
from tasks.storage.lake import Lake

RATES = documented_rates()


@pytest.fixture
def has_passports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests take none, to save time."""
    monkeypatch.setenv("CARDIOGRAPH_PASSPORT_TEXTS", "40")
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PASSPORT_TEXTS", "12")


def test_every_documented_rate_says_who_measured_it_and_when() -> None:
    raw = tomllib.loads((SQL_DIR.parent / "tasks/operations/rates.toml").read_text(encoding="utf-8"))
    assert {
        name for name, row in raw.items() if set(row) != {"value", "unit", "source", "date", "machine"}
    } == set()
    assert all(isinstance(row["date"], date) and row["source"] for row in raw.values())


def test_the_whole_hub_takes_what_its_quota_lets_through() -> None:
    # 2.5 million cards at 10, 16.7 and 40 a second, which is 97 % of the quota.
    hours = {
        plan: first_costs(PlanRequest(None, plan=plan), RATES).reading_s / 3600
        for plan in ("anonymous", "free", "pro")
    }
    assert hours == pytest.approx({"anonymous": 71.6, "free": 43.0, "pro": 17.9}, rel=0.01)
    assert first_costs(PlanRequest(None), RATES).api_requests == 2500


def test_a_page_of_the_listing_holds_a_thousand() -> None:
    pages = [first_costs(PlanRequest(n), RATES).api_requests for n in (1, 1000, 1001)]
    assert pages == [1, 1, 2]


def test_a_sample_lists_the_whole_hub_and_reads_its_own_cards_alone() -> None:
    whole, sample, top = (
        first_costs(request, RATES)
        for request in (PlanRequest(None), PlanRequest(3000, is_sample=True), PlanRequest(3000))
    )
    assert (sample.listed, sample.models) == (whole.listed, 3000)
    assert (sample.api_requests, top.api_requests) == (whole.api_requests, 3)
    assert (sample.cards_read, sample.texts_judged) == (top.cards_read, top.texts_judged)
    assert top.lake_bytes < sample.lake_bytes < whole.lake_bytes / 10
    assert "models_on_hub" in rates_used(PlanRequest(3000, is_sample=True), RATES)
    assert first_costs(PlanRequest(10**9, is_sample=True), RATES).models == whole.models


@pytest.mark.usefixtures("has_passports")
def test_a_judge_model_takes_gpu_minutes_however_many_gpus_share_them() -> None:
    alone, shared = (
        first_costs(PlanRequest(100_000, ("vllm:x",), workers=n), RATES).judging[0] for n in (1, 4)
    )
    passport = 12 * 60  # twelve cards are edited, by one worker while the others wait
    assert (alone.texts, alone.passport_texts, shared.gpu_minutes) == (93_500, passport, alone.gpu_minutes)
    assert shared.seconds == pytest.approx((93_500 / 4 + passport) / 20.9)
    assert alone.gpu_minutes == pytest.approx((93_500 + passport) / 20.9 / 60)
    assert (alone.tokens_in, alone.tokens_out) == ((93_500 + passport) * 1500, (93_500 + passport) * 150)


@pytest.mark.usefixtures("has_passports")
def test_a_passport_is_planned_once_and_where_one_would_be_taken() -> None:
    def passport_of(judge: str, models: int = 10_000, **request: Any) -> int:
        return first_costs(PlanRequest(models, (judge,), **request), RATES).judging[0].passport_texts

    assert passport_of("checklist") == 40 * 60
    assert passport_of("vllm") == 12 * 60
    assert passport_of("vllm", 100) == 0  # it would take longer than the judging
    assert passport_of("openai:a/b") == 0  # nobody is made to pay for one
    assert passport_of("vllm", tried=("vllm",)) == 0
    assert passport_of("vllm", has_judge_pool=True) == 0
    known = {**RATES, "changed_share": Rate(0.5, "", ""), "fresh_texts_a_read": Rate(1, "", "")}
    after = next_costs(PlanRequest(100_000, ("vllm",)), known)
    assert after
    assert after.judging[0].passport_texts == 0


def test_explanations_are_counted_for_a_judge_that_gives_them() -> None:
    without, with_them = (
        first_costs(PlanRequest(1000, ("openai:a/b",), explain=n), RATES).judging[0] for n in (0, 12)
    )
    assert (with_them.explained, with_them.requests) == (12, without.requests + 12)
    assert with_them.tokens_in - without.tokens_in == 12 * RATES["hosted_tokens_in_a_text"].value
    assert first_costs(PlanRequest(1000, explain=12), RATES).judging[0].explained == 0


def test_named_models_are_asked_for_one_by_one() -> None:
    named = first_costs(PlanRequest(300, is_named=True), RATES)
    assert (named.api_requests, named.listed) == (300, 300)


def test_a_corpus_has_no_quota_and_no_more_models_than_it_has() -> None:
    request = PlanRequest(1000, plan=None, on_hub=400)
    costs = first_costs(request, RATES)
    assert (costs.models, costs.listing_s, costs.reading_s) == (400, 0, 0)
    assert first_costs(PlanRequest(None, plan=None, on_hub=400), RATES).models == 400
    assert "models_on_hub" not in rates_used(request, RATES)


def test_a_plan_without_a_map_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_EMBEDDER", "some/model")
    assert first_costs(PlanRequest(1000), RATES).atlas_s > 0
    assert first_costs(PlanRequest(1000, embedder="none"), RATES).atlas_s == 0


def test_a_hosted_judge_takes_money_and_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    request = PlanRequest(100_000, ("openai:a/b",), workers=4)
    (unpriced,) = first_costs(request, RATES).judging
    assert (unpriced.gpu_minutes, unpriced.money) == (0, None)
    assert unpriced.seconds == unpriced.texts / RATES["hosted_texts_a_second"].value
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_IN", "2")
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PRICE_OUT", "10")
    (priced,) = first_costs(request, RATES).judging
    assert priced.money == pytest.approx((2 * priced.tokens_in + 10 * priced.tokens_out) / 1e6)
    assert priced.tokens_in > 2000 * priced.texts  # the rubric alone has more
    assert set(rates_used(request, RATES)) >= {"openai:a/b texts_a_second", "openai:a/b tokens_in_a_text"}


def test_a_checklist_takes_no_gpu_and_no_tokens() -> None:
    (judging,) = first_costs(PlanRequest(1000), RATES).judging
    assert (judging.gpu_minutes, judging.tokens_in, judging.tokens_out) == (0, 0, 0)
    assert judging.seconds > 0


def test_a_panel_judges_every_text_once_per_judge() -> None:
    one, two = (
        first_costs(PlanRequest(1000, judges), RATES) for judges in (("checklist",), ("checklist", "vllm"))
    )
    assert [judging.judge for judging in two.judging] == ["checklist", "vllm"]
    assert two.lake_bytes - one.lake_bytes == pytest.approx(935 * RATES["lake_bytes_a_text"].value, abs=1)


def test_later_weeks_are_not_estimated_before_one_has_been_seen() -> None:
    assert next_costs(PlanRequest(1000), RATES) is None


def test_later_weeks_read_what_changed() -> None:
    known = {**RATES, "changed_share": Rate(0.05, "", ""), "fresh_texts_a_read": Rate(0.5, "", "")}
    after = next_costs(PlanRequest(1000), known)
    assert after
    assert (after.cards_read, after.resolver_requests, after.texts_judged) == (50, 50, 25)


@given(
    models=st.integers(1, 10_000_000),
    workers=st.integers(1, 64),
    plan=st.sampled_from([name for name in PLANS if name != "none"]),
)
def test_more_models_never_take_less_and_no_plan_beats_its_quota(
    models: int, workers: int, plan: str
) -> None:
    costs = first_costs(PlanRequest(models, ("checklist", "vllm"), plan, workers), RATES)
    more = first_costs(PlanRequest(models + 1000, ("checklist", "vllm"), plan, workers), RATES)
    assert more.total_s > costs.total_s
    assert more.lake_bytes > costs.lake_bytes
    assert costs.resolver_requests / costs.reading_s * 300 <= quota(plan)[1]


def test_a_plan_is_known_by_its_quota() -> None:
    assert [plan_of(quota) for quota in (500, 1000, 2500, 7)] == ["anonymous", "free", "pro", None]
    with pytest.raises(UsageError, match="no plan of the Hub is called 'gold'"):
        first_costs(PlanRequest(1, plan="gold"), RATES)
    with pytest.raises(UsageError):
        first_costs(PlanRequest(1, plan="none"), RATES)


def test_rates_of_judges_that_are_not_requested_are_left_out() -> None:
    assert not [name for name in rates_used(PlanRequest(1000), RATES) if "llm" in name]
    assert "vllm tokens_in_a_text" in rates_used(PlanRequest(1000, ("vllm",)), RATES)


def test_a_map_takes_its_time_its_place_in_the_lake_and_its_task_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = PlanRequest(10_000)
    without = first_costs(request, RATES)
    assert without.atlas_s == 0
    assert not [name for name in rates_used(request, RATES) if "atlas" in name or "placed" in name]
    monkeypatch.setenv("CARDIOGRAPH_EMBEDDER", "some/model")
    costs = first_costs(request, RATES)
    assert costs.atlas_s == costs.texts_judged / RATES["atlas_texts_a_second"].value > 10
    assert costs.total_s == pytest.approx(without.total_s + costs.atlas_s)
    assert costs.lake_bytes - without.lake_bytes == pytest.approx(
        costs.texts_judged * RATES["lake_bytes_a_placed_text"].value, abs=1
    )
    assert costs.task_runs > without.task_runs
    assert "lake_bytes_a_placed_text" in rates_used(request, RATES)


def test_an_empty_home_uses_documented_rates(tmp_path: Path) -> None:
    assert rates_of(tmp_path, "all models", ["checklist"]) == (dict(RATES), False)
    assert not list(tmp_path.iterdir())


def test_a_home_with_a_history_uses_its_own_rates(
    tmp_path: Path, write_week: Callable[..., None], gated: Callable[..., object]
) -> None:
    for week, changed in ((date(2026, 1, 5), 400), (date(2026, 1, 12), 40)):
        write_week(Lake(tmp_path), week, 400, changed=changed)
        gated(tmp_path, week)
    rates, has_selection = rates_of(tmp_path, "all models", ["checklist", "vllm"])
    assert has_selection
    own = {name: rate.value for name, rate in rates.items() if rate.is_own}
    assert own["cards_a_model"] == 1
    assert own["models_on_hub"] == 400
    assert own["texts_a_card"] == 7 / 400
    assert own["changed_share"] == 0.1
    assert own["fresh_texts_a_read"] == 0  # the same seven texts
    assert own["checklist texts_a_second"] == 350
    assert own["warehouse_bytes_a_model"] > 0
    assert own["lake_bytes_a_card"] > 0
    assert rates["llm_texts_a_second"] == RATES["llm_texts_a_second"]
    assert rates_of(tmp_path, "top 10 by likes", ["checklist"])[1] is False
    assert at_quota_s(97, 100, rates) == pytest.approx(300)
