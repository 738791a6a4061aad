"""Estimate what a snapshot will take before it starts: requests, time, tokens and disk, from measured rates.

Pure: `history.py` reads the rates that a home has measured itself, and `rates.toml` holds documented ones for a home
without a history. Each rate names its source.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from tasks.embedders.steps import embedder_of
from tasks.errors import UsageError
from tasks.hub.sampling import kept_rows
from tasks.judges import kind_of
from tasks.judges.openai.purse import price_of
from tasks.passport.steps import passport_verdicts
from tasks.records import DEFAULT_JUDGE
from tasks.replica.protocol import PLANS
from tasks.settings import settings

WINDOW_S = 300.0  # of the Hub's quotas
_PAGE_ROWS = 1000
_RUNS_PER_SNAPSHOT, _RUNS_PER_JUDGE, _RUNS_PER_MAP = 14, 16, 6
_RATES_OF_A_MAP = ("atlas_texts_a_second", "lake_bytes_a_placed_text")
_FILE = Path(__file__).with_name("rates.toml")


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate; `is_own` where this home measured it, else `source` says who did."""

    value: float
    unit: str
    source: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is to be planned; `models` is null for the whole Hub, each of `workers` has a GPU for a judge model.

    `plan`: of the Hub, which allows a quota; null where there is none, as of a replica. `is_sample`: the models are
    drawn at random, for which the whole Hub is listed; `is_named`: each is asked for by its name. A judge of `tried`
    has a passport already. `explain` scores are explained. `has_judge_pool`: workers elsewhere judge, and a passport is
    not taken there. `embedder`: as a run is given it. `on_hub`: models of the whole Hub; null for what the rates say.
    """

    models: int | None
    judges: tuple[str, ...] = (DEFAULT_JUDGE,)
    plan: str | None = "anonymous"
    workers: int = 1
    is_sample: bool = False
    is_named: bool = False
    tried: tuple[str, ...] = ()
    explain: int = 0
    has_judge_pool: bool = False
    embedder: str | None = None
    on_hub: int | None = None

    def models_at(self, rates: Mapping[str, Rate]) -> int:
        """The models of the snapshot."""
        on_hub = self.on_hub_at(rates)
        is_bounded = self.is_sample or self.on_hub is not None
        return min(self.models or on_hub, on_hub) if is_bounded else self.models or on_hub

    def listed_at(self, rates: Mapping[str, Rate]) -> int:
        """The rows of the listing that are read."""
        return self.on_hub_at(rates) if self.is_sample else self.models_at(rates)

    def on_hub_at(self, rates: Mapping[str, Rate]) -> int:
        """The models of the whole Hub, or of the corpus."""
        return self.on_hub or round(rates["models_on_hub"].value)

    @property
    def counts_hub(self) -> bool:
        """Whether the plan rests on how many models the Hub is thought to have."""
        return self.on_hub is None and (self.models is None or self.is_sample)


@dataclass(frozen=True, slots=True)
class JudgingCost:
    """What one judge will take. GPU minutes and tokens are 0 for a judge that needs none.

    Besides `texts` it is asked about `passport_texts`, cards that are edited to see what it notices, and to explain
    `explained` of its scores: time, tokens and money are for all of them. `money` is by the prices of the settings;
    null for a judge that is not paid for, or without prices.
    """

    judge: str
    texts: int
    seconds: float
    gpu_minutes: float
    tokens_in: int
    tokens_out: int
    money: float | None = None
    passport_texts: int = 0
    explained: int = 0

    @property
    def requests(self) -> int:
        """Every text that the judge is asked about."""
        return self.texts + self.passport_texts + self.explained


@dataclass(frozen=True, slots=True)
class Costs:
    """What one snapshot will take. Seconds are wall-clock time; reading runs at the pace of the quota.

    `atlas_s` is for embedding and the map, 0 where no map is made.
    """

    listed: int
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
        """All steps, one after the other."""
        judging_s = sum(judge.seconds for judge in self.judging)
        return self.listing_s + self.reading_s + self.local_s + self.atlas_s + judging_s


@cache
def documented_rates() -> Mapping[str, Rate]:
    """The rates of `tasks/operations/rates.toml`."""
    rates = {}
    for name, row in tomllib.loads(_FILE.read_text(encoding="utf-8")).items():
        machine = f", {row['machine']}" if row["machine"] else ""
        rates[name] = Rate(float(row["value"]), row["unit"], f"{row['source']}; {row['date']}{machine}")
    return rates


def quota(plan: str) -> tuple[int, int]:
    """API requests and file resolves that a Hub plan allows per window. Raises `UsageError` for an unknown plan."""
    found = PLANS.get(plan)
    if not found:
        raise UsageError(
            f"no plan of the Hub is called {plan!r}; choose from: {', '.join(filter(PLANS.get, PLANS))}"
        )
    return found["api"], found["resolvers"]


def at_quota_s(requests: int, quota: int | None, rates: Mapping[str, Rate]) -> float:
    """Seconds that so many paced requests take. Those of the first window are spread like those of any other."""
    if quota is None:
        return 0.0
    return requests / (quota * rates["quota_used_share"].value) * WINDOW_S


def first_costs(request: PlanRequest, rates: Mapping[str, Rate]) -> Costs:
    """What the first snapshot of a selection takes: every card is new."""
    models = request.models_at(rates)
    cards = round(models * rates["cards_a_model"].value)
    return _costs(request, rates, models, cards, round(cards * rates["texts_a_card"].value), is_first=True)


def next_costs(request: PlanRequest, rates: Mapping[str, Rate]) -> Costs | None:
    """What each later snapshot takes; null where nobody has measured how much changes in between."""
    if "changed_share" not in rates:
        return None
    models = request.models_at(rates)
    cards = models * rates["cards_a_model"].value
    read = math.ceil(cards * rates["changed_share"].value)
    return _costs(request, rates, models, read, math.ceil(read * rates["fresh_texts_a_read"].value))


def _costs(
    request: PlanRequest,
    rates: Mapping[str, Rate],
    models: int,
    cards: int,
    texts: int,
    *,
    is_first: bool = False,
) -> Costs:
    api_quota, resolver_quota = (None, None) if request.plan is None else quota(request.plan)
    listed = request.listed_at(rates)
    pages = listed if request.is_named else math.ceil(listed / _PAGE_ROWS)
    requests = math.ceil(cards * rates["requests_a_card"].value)
    placed = texts if embedder_of(request.embedder) else 0
    rows_kept = models + kept_rows(models, listed) * request.is_sample
    lake_bytes = (
        rows_kept * rates["lake_bytes_a_model"].value
        + cards * rates["lake_bytes_a_card"].value
        + texts * rates["lake_bytes_a_text"].value * len(request.judges)
        + placed * rates["lake_bytes_a_placed_text"].value
    )
    return Costs(
        listed=listed,
        models=models,
        cards_read=cards,
        texts_judged=texts,
        api_requests=pages,
        resolver_requests=requests,
        listing_s=at_quota_s(pages, api_quota, rates),
        reading_s=at_quota_s(requests, resolver_quota, rates),
        judging=tuple(
            _judging_cost(judge, texts, request, rates, is_first=is_first) for judge in request.judges
        ),
        atlas_s=placed / rates["atlas_texts_a_second"].value,
        local_s=models / rates["models_a_second"].value,
        lake_bytes=round(lake_bytes),
        warehouse_bytes=round(models * rates["warehouse_bytes_a_model"].value),
        task_runs=task_runs(
            cards, [texts] * len(request.judges), request.judges, has_map=placed > 0, explain=request.explain
        ),
    )


def task_runs(
    cards: int, texts: Sequence[int], judges: Sequence[str], *, has_map: bool | None = None, explain: int = 1
) -> int:
    """Prefect task runs of one snapshot: one per part, and those of its flows, which do not grow with the Hub.

    `texts` has the texts that each judge has to judge; those of the first judge are also to be described. `has_map`
    null: as the settings have it.
    """
    limits = settings()
    runs = _RUNS_PER_SNAPSHOT + math.ceil(cards / limits.part_cards)
    # The last one judges first; a judge that reads evidence describes as it judges.
    if not kind_of(judges[-1]).reads_evidence:
        runs += math.ceil(texts[0] / limits.part_cards)
    for judge, n in zip(judges, texts, strict=True):
        kind = kind_of(judge)
        explained = min(explain, n) if kind.explains else 0
        parts = (math.ceil(asked / kind.part_size(limits)) for asked in (n, explained))
        runs += _RUNS_PER_JUDGE + sum(parts)
    if embedder_of(None) if has_map is None else has_map:
        runs += _RUNS_PER_MAP + math.ceil(texts[0] / limits.part_cards)
    return runs


def _judging_cost(
    judge: str, texts: int, request: PlanRequest, rates: Mapping[str, Rate], *, is_first: bool
) -> JudgingCost:
    """What so many texts take one judge. Each worker of a judge model has its own GPU; one alone takes the passport."""
    kind = kind_of(judge)
    passport = 0
    if is_first and judge not in request.tried and not (kind.needs_servers and request.has_judge_pool):
        passport = passport_verdicts(kind, texts)
    explained = min(request.explain, texts) if kind.explains else 0
    a_second = _rate_of(judge, "texts_a_second", rates).value
    alone_s, shared_s = passport / a_second, (texts + explained) / a_second
    found = JudgingCost(
        *(judge, texts, alone_s + shared_s / request.workers, 0.0, 0, 0),
        passport_texts=passport,
        explained=explained,
    )
    if not is_model(judge):
        return found
    tokens_in, tokens_out = (
        round(found.requests * _rate_of(judge, f"tokens_{way}_a_text", rates).value) for way in ("in", "out")
    )
    found = replace(found, tokens_in=tokens_in, tokens_out=tokens_out)
    if is_paid(judge):
        price = price_of(settings())
        money = price.of(tokens_in, tokens_out) if price else None
        return replace(found, seconds=alone_s + shared_s, money=money)
    return replace(found, gpu_minutes=(alone_s + shared_s) / 60)


def is_model(judge: str) -> bool:
    """Whether the judge is a language model, which needs a GPU of one's own or of a provider."""
    return kind_of(judge).needs_servers


def is_paid(judge: str) -> bool:
    """Whether the judge is a language model of a provider, which is paid for by tokens."""
    return kind_of(judge).has_budget


def rates_kind(judge: str) -> str:
    """What the names of a judge's documented rates begin with."""
    if is_paid(judge):
        return "hosted"
    return "llm" if is_model(judge) else "checklist"


def _rate_of(judge: str, name: str, rates: Mapping[str, Rate]) -> Rate:
    """The rate of this very judge, else of its kind."""
    return rates.get(f"{judge} {name}") or rates[f"{rates_kind(judge)}_{name}"]


def rates_used(request: PlanRequest, rates: Mapping[str, Rate]) -> dict[str, Rate]:
    """The rates behind a plan, by name; those of judges that are not requested, or of no map, are left out."""
    has_map = embedder_of(request.embedder) is not None
    of_kinds = ("checklist_", "llm_", "hosted_", *(() if has_map else _RATES_OF_A_MAP))
    common = {
        name: rate
        for name, rate in rates.items()
        if not name.startswith(of_kinds)
        and " " not in name
        and (request.counts_hub or name != "models_on_hub")
    }
    of_judges = ("texts_a_second", "tokens_in_a_text", "tokens_out_a_text")
    return common | {
        f"{judge} {name}": _rate_of(judge, name, rates)
        for judge in request.judges
        for name in of_judges[: None if is_model(judge) else 1]
    }
