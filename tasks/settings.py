"""THE configuration: where things are. The parameters of flows say what to do."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

OFFICIAL_HUB = "https://huggingface.co"
_PREFIX = "CARDIOGRAPH_"

_HERE = Path(__file__).parent
# In an installed wheel `sql/` travels inside the package, and beside it may be somebody else's; in a checkout it stands
# beside `tasks/`.
SQL_DIR = next(d for d in (_HERE / "sql", _HERE.parent / "sql") if d.is_dir())


Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseSettings):
    """Read from the environment as `CARDIOGRAPH_…`; secrets come from nowhere else."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    home: Path = Field(
        default=Path("cardiograph-data"), description="folder of the lake, the warehouse and the report"
    )
    lake: str | None = Field(
        default=None,
        description="where the lake is, if not in the home: a folder, or s3://bucket/prefix with AWS_… variables",
    )
    lake_patience_s: NonNegativeFloat = Field(
        default=300.0, description="how long an object store may fail before the run stops"
    )
    hub_token: SecretStr | None = Field(
        default=None, description="overrides HF_TOKEN and the stored login; usually unset"
    )
    hub_threads: int = Field(default=8, ge=1, le=64, description="most requests in flight")
    hub_connect_timeout_s: PositiveFloat = 10.0
    hub_read_timeout_s: PositiveFloat = Field(default=30.0, description="silence allowed between two chunks")
    hub_card_deadline_s: PositiveFloat = Field(
        default=120.0,
        description="most time for one answer, from the request to its last byte, redirects included",
    )
    hub_file_deadline_s: PositiveFloat = Field(
        default=3600.0, description="the same for a file of an embedding model"
    )
    hub_page_bytes_max: PositiveInt = Field(
        default=32_000_000, description="most bytes of a page of the listing, unpacked"
    )
    hub_hosts: str = Field(
        default="",
        description="hosts, separated by commas, that a Hub may redirect to beside itself and the known stores",
    )
    hub_tries: PositiveInt = Field(
        default=5, description="tries of a request that fails for a passing reason"
    )
    hub_backoff_s: NonNegativeFloat = Field(
        default=0.5, description="first wait before a retry; doubled each time"
    )
    hub_silence_max: PositiveInt = Field(
        default=60,
        description="unanswered requests in a row after which a Hub that never answered is unreachable",
    )
    hub_patience_s: NonNegativeFloat = Field(
        default=120.0, description="how long a Hub that has answered before may be silent"
    )
    card_bytes_max: PositiveInt = Field(
        default=5_000_000, description="most bytes of a README, unpacked; a larger one is a failure"
    )
    trusted_hubs: str = Field(
        default="",
        description="Hubs beside the official one that get the token: their addresses, separated by commas",
    )
    server_names: str = Field(
        default="",
        description="names beside 127.0.0.1 and localhost that `cardiograph server` answers to, separated by commas",
    )
    duckdb_memory: str = Field(default="1GB", description="memory of DuckDB before it spills to disk")
    duckdb_threads: PositiveInt = 2
    query_seconds: PositiveFloat = Field(default=60.0, description="most time for one question of `query`")
    query_rows: PositiveInt = Field(default=1_000_000, description="most rows of an answer")
    query_mb: PositiveInt = Field(default=500, description="most megabytes of an answer")
    query_memory_mb: PositiveInt = Field(
        default=1_000, description="memory of a question before it spills to disk; at twice as much it fails"
    )
    query_spill_mb: PositiveInt = Field(default=2_000, description="most disk that a question spills to")
    lease_s: PositiveFloat = Field(
        default=60.0, description="a worker silent for longer counts as dead, and others do its parts"
    )
    hub_limit: str = Field(
        default="cardiograph-hub",
        description="Prefect's global concurrency limit for requests in flight; one per Hub token",
    )
    part_cards: PositiveInt = Field(default=400, description="cards per part")

    judge_model: str = Field(
        default="Qwen/Qwen3-4B-Instruct-2507", description="the judge model where none is named"
    )
    judge_revision: str | None = Field(
        default=None, description="its revision; needed where a server does not report it"
    )
    judge_python: Path = Field(
        default=Path(".venv-judge/bin/python"),
        description="Python of the environment that holds vLLM; `make judge-env` makes it",
    )
    judge_engine_options: str = Field(
        default="", description="options for a vLLM server that the run starts, as on its command line"
    )
    judge_port: int = Field(default=0, ge=0, le=65535, description="port of that server; 0 takes a free one")
    judge_start_within_s: PositiveFloat = Field(
        default=3600.0, description="most time for its start; it may have to fetch its weights first"
    )
    judge_api_key: SecretStr | None = Field(default=None, description="bearer token for the judge's servers")
    judge_score_mode: Literal["expected", "decided", "soft"] = Field(
        default="expected",
        description="mean over the score's probabilities, the written score, or one of the checks' probabilities",
    )
    judge_card_tokens: int = Field(
        default=6000, ge=200, description="tokens of a card in the prompt; of a longer card, head and tail"
    )
    judge_context_tokens: int = Field(
        default=16_384, ge=2048, description="context window of a server that the run starts"
    )
    judge_part_cards: PositiveInt = Field(default=128, description="cards per part for a judge model")
    judge_concurrency: PositiveInt | None = Field(
        default=None,
        description="requests in flight per server; default: found by trying, at most what its KV cache holds",
    )
    judge_timeout_s: PositiveFloat = Field(
        default=600.0,
        description="how long a server may make no progress, neither an answer nor a token, before a request is lost",
    )
    judge_tries: PositiveInt = Field(
        default=4, description="tries of a request that fails for a passing reason"
    )
    judge_backoff_s: NonNegativeFloat = Field(default=0.5, description="first wait before a retry")
    judge_patience_s: NonNegativeFloat = Field(
        default=300.0, description="how long all servers may fail before the run stops, to be run again"
    )
    judge_canaries: Literal["stop", "warn", "off"] = Field(
        default="stop",
        description="whether a judge that cannot order made-up cards of known quality stops the run; off: is not tried",
    )
    judge_price_in: NonNegativeFloat | None = Field(
        default=None,
        description="price of a million tokens that a hosted judge model reads, for cost and --budget",
    )
    judge_price_out: NonNegativeFloat | None = Field(
        default=None, description="price of a million tokens that it writes, its thoughts included"
    )
    judge_thinking_tokens: NonNegativeInt = Field(
        default=4096, description="room for a model that reasons before it answers and cannot be kept from it"
    )
    judge_bridge_texts: NonNegativeInt = Field(
        default=200, description="texts of the week before that a new judge also scores"
    )
    passport_texts: NonNegativeInt = Field(
        default=40,
        description="cards that are edited to see what a new judge without servers notices; 0: none",
    )
    judge_passport_texts: NonNegativeInt = Field(
        default=12,
        description="the same for a judge model, within a sixtieth of the texts that it judged; 0: none",
    )
    gpu_hour_price: NonNegativeFloat | None = Field(
        default=None, description="price of a GPU hour, to compute the cost"
    )
    judge_gpus: PositiveInt | None = Field(
        default=None, description="GPUs of the judge; default: one per server"
    )

    embedder: str | None = Field(
        default=None,
        description="embedder where a run names none: a model, or `none`; default: all-MiniLM-L6-v2-int8",
    )
    embed_passage_tokens: int = Field(
        default=128, ge=16, description="tokens per passage; the default embedder was trained on 128"
    )
    embed_passages_max: PositiveInt = Field(default=4, description="most passages per card")
    atlas_fit_max: int = Field(
        default=50_000,
        ge=100,
        description="most texts that a map is fitted on; of more, a sample, and the rest is placed",
    )
    atlas_drift_max: Share = Field(
        default=0.25,
        description="share of texts that may be placed on a map fitted without them, before a new fit",
    )
    atlas_replicates: PositiveInt = Field(
        default=2,
        description="fits with other seeds, and as many on other samples, to measure the stability of kinds",
    )
    atlas_replicate_texts: int = Field(
        default=15_000, ge=100, description="most texts of such a fit; of more, a sample"
    )

    # The gate: how much a snapshot may differ from the one before. Limits on growth are per week, and scale with the
    # weeks between; an allowance for chance comes on top, so that small selections do not raise false alarms.
    gate_models_drop: Share = Field(
        default=0.1, description="share of models or cards that may disappear; the Hub only grows"
    )
    gate_models_rise: NonNegativeFloat = Field(
        default=0.25, description="share that may be new; the Hub grows by 1-2 % per week"
    )
    gate_share_shift: Share = Field(
        default=0.1, description="largest change of a share (cards, a section, a filled column) between weeks"
    )
    gate_failures_rise: Share = Field(
        default=0.05,
        description="largest rise of a share of failures; a rise of 5 percentage points is an outage",
    )
    gate_median_shift: NonNegativeFloat = Field(
        default=0.3,
        description="largest shift of the median score; most cards are last week's, so it hardly moves",
    )
    gate_score_distance: Share = Field(
        default=0.15,
        description="largest Kolmogorov-Smirnov distance of the scores, for changes that a median hides",
    )
    gate_failures_most: Share = Field(
        default=0.9, description="share of failures above which a first snapshot is held back, too"
    )
    gate_sigmas: NonNegativeFloat = Field(
        default=4.0,
        description="allowance for chance in standard errors; 4, because there are thirty measures",
    )
    gate_least: PositiveInt = Field(
        default=20, description="fewest models or texts for which a share of failures is judged"
    )
    # Whether a judge reads what it judges, by cards that the parser tells apart. `benchmarks/degeneracy.py` has what
    # the checklist and broken judges measure, on all cards of a warehouse, on draws of 30 and by author.
    gate_same_checks_most: Share = Field(
        default=0.6,
        description="share of unlike cards with the same answer to every check; 1 copies an answer",
    )
    gate_unread_pattern_most: Share = Field(
        default=0.6,
        description="share of unlike cards whose answers need no reading: all passed, all failed, or alternating",
    )
    gate_by_position_most: Share = Field(
        default=0.85,
        description="how far a check's place decides its answer: 0 a toss from card to card, 1 the same for all cards",
    )
    gate_coherence_least: float = Field(
        default=0.25,
        le=1,
        description="least Cronbach's alpha of the checks; about 0 where each is tossed, 0.87 on the Hub of 2022",
    )
    gate_score_spread_least: NonNegativeFloat = Field(
        default=0.1,
        description="least standard deviation of the scores of unlike cards, in points; a tenth is no difference",
    )
    gate_judging_least: PositiveInt = Field(
        default=10, description="fewest unlike cards by which a judge's answers are measured"
    )


def settings() -> Settings:
    """The settings as the environment has them now."""
    return _read(tuple(sorted(entry for entry in os.environ.items() if entry[0].upper().startswith(_PREFIX))))


@lru_cache(maxsize=8)
def _read(environment: tuple[tuple[str, str], ...]) -> Settings:
    """Cached: reading them takes milliseconds, and a run needs them thousands of times."""
    return Settings()
