"""THE configuration: where things are. What to do is said by the parameters of flows."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

OFFICIAL_HUB = "https://huggingface.co"

_HERE = Path(__file__).parent
# In a checkout `sql/` stands beside `tasks/`; in an installed wheel it travels inside the package.
SQL_DIR = next(d for d in (_HERE.parent / "sql", _HERE / "sql") if d.is_dir())


class Settings(BaseSettings):
    """Read from the environment as `CARDIOGRAPH_…`; secrets never come from anywhere else."""

    model_config = SettingsConfigDict(env_prefix="CARDIOGRAPH_", extra="ignore", frozen=True)

    home: Path = Field(default=Path("cardiograph-data"), description="the lake, the warehouse and the report")
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
        default=60, ge=1, description="unanswered requests in a row after which the Hub counts as unreachable"
    )
    card_bytes_max: int = Field(
        default=5_000_000, gt=0, description="a larger README is a failure, not a card"
    )
    duckdb_memory: str = Field(
        default="1GB", description="what DuckDB may hold in memory before it spills to disk"
    )
    duckdb_threads: int = Field(default=2, ge=1)
    part_cards: int = Field(default=400, ge=1, description="cards in a part")


def settings() -> Settings:
    """The settings as the environment has them now."""
    return Settings()
