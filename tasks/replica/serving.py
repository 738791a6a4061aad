"""What a replica is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Serving:
    """A corpus, where to serve it, and how the Hub behaves. `port` 0 takes any free one."""

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

    def to_json(self) -> str:
        """As one argument of a command."""
        return orjson.dumps({f.name: getattr(self, f.name) for f in fields(self)}, default=str).decode()

    @classmethod
    def from_json(cls, text: str) -> Serving:
        options = orjson.loads(text)
        as_of = options["as_of"]
        return cls(
            **{
                **options,
                "corpus": Path(options["corpus"]),
                "as_of": date.fromisoformat(as_of) if as_of else None,
            }
        )
