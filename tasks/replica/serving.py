"""The options of one replica."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Serving:
    """A corpus, where to serve it, and how the Hub behaves. `port` 0 takes any free one.

    `accounts`: who may write, each as `hf_token=name:organisation,…`. `no_discussions`: models that
    take no pull request.
    """

    corpus: Path
    host: str = "127.0.0.1"
    port: int = 0
    as_of: date | None = None
    plan: str = "none"
    latency_ms: float = 0.0
    faults: str | None = None
    window_s: float = 300.0
    quota_scale: float = 1.0
    seed: int = 0
    accounts: tuple[str, ...] = ()
    no_discussions: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Write the options as one argument of a command."""
        return _JSON.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Serving:
        """Read what `to_json` wrote."""
        return _JSON.validate_json(text)


_JSON = TypeAdapter(Serving)
