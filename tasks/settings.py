"""THE configuration: where things are. What to do is said by the parameters of flows."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

OFFICIAL_HUB = "https://huggingface.co"
_PREFIX = "CARDIOGRAPH_"

_HERE = Path(__file__).parent
# In a checkout `sql/` stands beside `tasks/`; in an installed wheel it travels inside the package.
SQL_DIR = next(d for d in (_HERE.parent / "sql", _HERE / "sql") if d.is_dir())


class Settings(BaseSettings):
    """Read from the environment as `CARDIOGRAPH_…`; secrets never come from anywhere else."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    home: Path = Field(default=Path("cardiograph-data"), description="the lake, the warehouse and the report")
    lake: str | None = Field(
        default=None,
        description="where the lake lies, if not in the home: a folder, or s3://bucket/prefix with AWS_… variables",
    )
    lake_patience_s: float = Field(
        default=300.0, ge=0, description="an object store gives no answer for so long: the run stops"
    )
    hub_token: SecretStr | None = Field(
        default=None, description="overrides HF_TOKEN and the stored login; usually unset"
    )
    hub_threads: int = Field(default=8, ge=1, le=64, description="requests in flight at the most")
    hub_connect_timeout_s: float = Field(default=10.0, gt=0)
    hub_read_timeout_s: float = Field(default=30.0, gt=0, description="silence allowed between two chunks")
    hub_card_deadline_s: float = Field(default=120.0, gt=0, description="one answer, first byte to last")
    hub_tries: int = Field(default=5, ge=1, description="tries of a request that may pass by itself")
    hub_backoff_s: float = Field(
        default=0.5, ge=0, description="the first wait before a new try; doubled each time"
    )
    hub_silence_max: int = Field(
        default=60,
        ge=1,
        description="unanswered requests in a row after which a Hub that never answered counts as unreachable",
    )
    hub_patience_s: float = Field(
        default=120.0, ge=0, description="how long a Hub that has answered before may be silent"
    )
    card_bytes_max: int = Field(
        default=5_000_000, gt=0, description="a larger README is a failure, not a card"
    )
    duckdb_memory: str = Field(
        default="1GB", description="what DuckDB may hold in memory before it spills to disk"
    )
    duckdb_threads: int = Field(default=2, ge=1)
    lease_s: float = Field(
        default=60.0,
        gt=0,
        description="a worker not heard of for so long counts as dead, and others do its parts",
    )
    hub_limit: str = Field(
        default="cardiograph-hub",
        description="Prefect's global concurrency limit for requests in flight; one for each Hub token",
    )
    part_cards: int = Field(default=400, ge=1, description="cards in a part")

    judge_model: str = Field(
        default="Qwen/Qwen3-4B-Instruct-2507", description="the judge model where none is named"
    )
    judge_revision: str | None = Field(
        default=None, description="its revision; needed to tell two apart where a server does not say"
    )
    judge_python: Path = Field(
        default=Path(".venv-judge/bin/python"),
        description="Python of the environment that holds vLLM; `make judge-env` makes it",
    )
    judge_engine_options: str = Field(
        default="",
        description="options passed on to a vLLM server that the run starts, as on its command line",
    )
    judge_port: int = Field(default=0, ge=0, le=65535, description="its port; 0 takes a free one")
    judge_start_within_s: float = Field(
        default=3600.0, gt=0, description="it may have to fetch its weights first"
    )
    judge_api_key: SecretStr | None = Field(
        default=None, description="sent to the judge's servers as a bearer"
    )
    judge_score_mode: Literal["expected", "decided"] = Field(
        default="expected", description="mean over the score token's probabilities, or the token alone"
    )
    judge_card_tokens: int = Field(
        default=6000, ge=200, description="of a longer card the judge reads head and tail"
    )
    judge_context_tokens: int = Field(
        default=16_384, ge=2048, description="context of a server that the run starts"
    )
    judge_part_cards: int = Field(default=128, ge=1, description="cards in a part for a judge model")
    judge_concurrency: int | None = Field(
        default=None, ge=1, description="requests in flight a server; by default what its cache holds"
    )
    judge_timeout_s: float = Field(
        default=600.0, gt=0, description="one answer, its wait in the queue included"
    )
    judge_tries: int = Field(default=4, ge=1, description="tries of a request that may pass by itself")
    judge_backoff_s: float = Field(default=0.5, ge=0, description="the first wait before a new try")
    judge_patience_s: float = Field(
        default=300.0, ge=0, description="no server answers for so long: the run stops, to be run again"
    )
    judge_bridge_texts: int = Field(
        default=200, ge=0, description="texts of the week before that a new judge scores too"
    )
    gpu_hour_price: float | None = Field(default=None, ge=0, description="price of a GPU hour, for the cost")
    judge_gpus: int | None = Field(
        default=None, ge=1, description="GPUs behind the judge; default: its servers"
    )

    embedder: str | None = Field(
        default=None,
        description="what embeds cards where a run names nothing: a model, or none; default: all-MiniLM-L6-v2",
    )
    embed_passage_tokens: int = Field(
        default=128,
        ge=16,
        description="tokens of a passage of a card; the default embedder was trained on 128",
    )
    embed_passages_max: int = Field(default=4, ge=1, description="passages read of a card")
    atlas_fit_max: int = Field(
        default=50_000,
        ge=100,
        description="texts that a map is fitted on; of more a sample, and the rest is placed",
    )
    atlas_drift_max: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="share of texts that may have been placed on a map that was fitted without them, before a new fit",
    )
    atlas_replicates: int = Field(
        default=2,
        ge=1,
        description="fits with other seeds, and as many on other samples, for the stability of kinds",
    )
    atlas_replicate_texts: int = Field(
        default=15_000, ge=100, description="texts of such a fit; of more a sample"
    )

    # The gate: how unlike the snapshot before it one may be. What grows with time is for a week, and more is allowed
    # where more weeks lie between; chance is allowed for on top, so that small selections do not cry wolf.
    gate_models_drop: float = Field(
        default=0.1, ge=0, le=1, description="share of models or cards that may be gone; the Hub only grows"
    )
    gate_models_rise: float = Field(
        default=0.25,
        ge=0,
        description="share that may be new; the Hub grows by one or two in a hundred a week",
    )
    gate_share_shift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="change of a share (cards, a section, a column filled) that no week of the Hub makes by itself",
    )
    gate_failures_rise: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="rise of a share of failures: one in twenty is an outage, not bad luck",
    )
    gate_median_shift: float = Field(
        default=0.3,
        ge=0,
        description="points of score: most cards are those of last week, so it hardly moves",
    )
    gate_score_distance: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="largest difference of cumulative score shares (Kolmogorov-Smirnov), for what a median hides",
    )
    gate_failures_most: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="share of failures that no first snapshot passes with: nothing to compare with, nothing read",
    )
    gate_sigmas: float = Field(
        default=4.0,
        ge=0,
        description="standard errors of chance; 4, because thirty measures are taken at once",
    )
    gate_least: int = Field(
        default=20, ge=1, description="of fewer models or texts a share of failures says nothing"
    )


def settings() -> Settings:
    """The settings as the environment has them now."""
    return _read(tuple(sorted(entry for entry in os.environ.items() if entry[0].upper().startswith(_PREFIX))))


@lru_cache(maxsize=8)
def _read(environment: tuple[tuple[str, str], ...]) -> Settings:
    """Reading them takes milliseconds, and they are asked for thousands of times a run."""
    return Settings()
