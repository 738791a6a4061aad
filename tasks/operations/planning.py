"""What a snapshot will take, before anything starts: requests, time, tokens, disk, from rates measured before.

Pure: `history.py` reads the rates that a home has measured itself, `rates.toml` has those that hold
where it has none. Each figure says where it comes from.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.embedders.steps import embedder_of
from tasks.errors import UsageError
from tasks.replica.protocol import PLANS
from tasks.settings import settings

WINDOW_S = 300.0  # of the Hub's quotas
_PAGE_ROWS = 1000
_RUNS_A_SNAPSHOT, _RUNS_A_JUDGE, _RUNS_A_MAP = 14, 12, 6
_RATES_OF_A_MAP = ("atlas_texts_a_second", "lake_bytes_a_placed_text")
_FILE = Path(__file__).with_name("rates.toml")


@dataclass(frozen=True, slots=True)
class Rate:
    """One figure to reckon with; `is_own` where this home measured it, else `source` says who did."""

    value: float
    unit: str
    source: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is to be planned: `models` is null for the whole Hub; `workers` processes, and as many GPUs for a model."""

    models: int | None
    judges: tuple[str, ...] = ("checklist",)
    plan: str = "anonymous"
    workers: int = 1


@dataclass(frozen=True, slots=True)
class JudgingCost:
    """What one judge will take. GPU minutes and tokens are 0 for one that needs none."""

    judge: str
    texts: int
    seconds: float
    gpu_minutes: float
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What one snapshot will take. Seconds are of the wall clock; reading goes at the pace of the quota.

    `atlas_s` is for embedding and the map, 0 where no map is made.
    """

    models: int
    cards_read: int
    texts_judged: int
    api_requests: int
    resolver_requests: int
    listing_s: float
    reading_s: float
    judging: tuple[JudgingCost, ...]
    atlas_s: float
    local_s: float
    lake_bytes: int
    warehouse_bytes: int
    task_runs: int

    @property
    def total_s(self) -> float:
        """Everything, one after the other."""
        here = self.local_s + self.atlas_s
        return self.listing_s + self.reading_s + here + sum(judge.seconds for judge in self.judging)


@cache
def documented_rates() -> Mapping[str, Rate]:
    """The rates of `tasks/operations/rates.toml`."""
    found = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: _documented(row) for name, row in found.items()}


def _documented(row: Mapping[str, object]) -> Rate:
    machine = f", {row['machine']}" if row["machine"] else ""
    return Rate(float(str(row["value"])), str(row["unit"]), f"{row['source']}; {row['date']}{machine}")


def quota(plan: str) -> tuple[int, int]:
    """Requests a window of API and file resolves that a Hub plan allows. Raises `UsageError` for no such plan."""
    found = PLANS.get(plan)
    if not found:
        raise UsageError(
            f"no plan of the Hub is called {plan!r}; there are {', '.join(filter(PLANS.get, PLANS))}"
        )
    return found["api"], found["resolvers"]


def at_quota_s(requests: int, quota: int, rates: Mapping[str, Rate]) -> float:
    """Seconds that so many paced requests take. The first window's worth is spread over it like any other."""
    return requests / (quota * rates["quota_used_share"].value) * WINDOW_S


def first_costs(wanted: PlanRequest, rates: Mapping[str, Rate]) -> Costs:
    """What the first snapshot of a selection takes: every card is new."""
    models = wanted.models or round(rates["models_on_hub"].value)
    cards = round(models * rates["cards_a_model"].value)
    return _costs(wanted, rates, models, cards, round(cards * rates["texts_a_card"].value))


def next_costs(wanted: PlanRequest, rates: Mapping[str, Rate]) -> Costs | None:
    """What each one after it takes; null where it has never been seen how much changes in between."""
    if "changed_share" not in rates:
        return None
    models = wanted.models or round(rates["models_on_hub"].value)
    cards = models * rates["cards_a_model"].value
    read = math.ceil(cards * rates["changed_share"].value)
    return _costs(wanted, rates, models, read, math.ceil(read * rates["fresh_texts_a_read"].value))


def _costs(wanted: PlanRequest, rates: Mapping[str, Rate], models: int, cards: int, texts: int) -> Costs:
    api_quota, resolver_quota = quota(wanted.plan)
    pages = math.ceil(models / _PAGE_ROWS)
    requests = math.ceil(cards * rates["requests_a_card"].value)
    judging = tuple(judging_costs(judge, texts, wanted.workers, rates) for judge in wanted.judges)
    lake = (
        models * rates["lake_bytes_a_model"].value
        + cards * rates["lake_bytes_a_card"].value
        + texts * rates["lake_bytes_a_text"].value * len(judging)
    )
    placed = texts if embedder_of(None) else 0
    lake += placed * rates["lake_bytes_a_placed_text"].value
    return Costs(
        models=models,
        cards_read=cards,
        texts_judged=texts,
        api_requests=pages,
        resolver_requests=requests,
        listing_s=at_quota_s(pages, api_quota, rates),
        reading_s=at_quota_s(requests, resolver_quota, rates),
        judging=judging,
        atlas_s=placed / rates["atlas_texts_a_second"].value,
        local_s=models / rates["models_a_second"].value,
        lake_bytes=round(lake),
        warehouse_bytes=round(models * rates["warehouse_bytes_a_model"].value),
        task_runs=task_runs(cards, [texts] * len(judging), wanted.judges),
    )


def task_runs(cards: int, texts: Sequence[int], judges: Sequence[str]) -> int:
    """Prefect task runs of one snapshot: one a part, and those of its flows, which do not grow with the Hub.

    `texts` are those that each judge has to judge; the first one's are those to be described too.
    """
    limits = settings()
    runs = _RUNS_A_SNAPSHOT + math.ceil(cards / limits.part_cards) + math.ceil(texts[0] / limits.part_cards)
    for judge, asked in zip(judges, texts, strict=True):
        size = limits.judge_part_cards if is_model(judge) else limits.part_cards
        runs += _RUNS_A_JUDGE + math.ceil(asked / size) + is_model(judge)  # and a part to explain
    if embedder_of(None):
        runs += _RUNS_A_MAP + math.ceil(texts[0] / limits.part_cards)
    return runs


def judging_costs(judge: str, texts: int, workers: int, rates: Mapping[str, Rate]) -> JudgingCost:
    """What so many texts take one judge. Of a judge model each worker is a GPU of its own."""
    speed = rate_of(judge, "texts_a_second", rates).value
    seconds = texts / speed / workers
    if not is_model(judge):
        return JudgingCost(judge, texts, seconds, 0.0, 0, 0)
    read, written = (rate_of(judge, f"tokens_{way}_a_text", rates).value for way in ("in", "out"))
    return JudgingCost(judge, texts, seconds, texts / speed / 60, round(texts * read), round(texts * written))


def is_model(judge: str) -> bool:
    """Whether the judge is a language model, which wants a GPU."""
    return judge.partition(":")[0] == "vllm"


def rate_of(judge: str, what: str, rates: Mapping[str, Rate]) -> Rate:
    """A rate of this very judge, else of its kind."""
    return rates.get(f"{judge} {what}") or rates[f"{'llm' if is_model(judge) else 'checklist'}_{what}"]


def rates_used(wanted: PlanRequest, rates: Mapping[str, Rate]) -> dict[str, Rate]:
    """The rates behind a plan, by name; those of judges and of a map that are not asked for are left out."""
    kinds = ("checklist_", "llm_", *(() if embedder_of(None) else _RATES_OF_A_MAP))
    common = {
        name: rate
        for name, rate in rates.items()
        if not name.startswith(kinds)
        and " " not in name
        and (wanted.models is None or name != "models_on_hub")
    }
    asked: Sequence[str] = ("texts_a_second", "tokens_in_a_text", "tokens_out_a_text")
    of_judges = {
        f"{judge} {what}": rate_of(judge, what, rates)
        for judge in wanted.judges
        for what in (asked if is_model(judge) else asked[:1])
    }
    return {**common, **of_judges}
