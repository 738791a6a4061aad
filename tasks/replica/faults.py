"""Failures on demand, each drawn from (seed, request, attempt): a run can be repeated, and a retry is drawn again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, cast, get_args

from tasks.errors import UsageError
from tasks.replica.answers import ReplicaResponse

RequestFault = Literal["5xx", "drop", "truncate", "slow", "length"]
REQUEST_FAULTS: tuple[RequestFault, ...] = get_args(RequestFault)
FAULT_HELP = {
    "5xx": "answer 500, 502, 503 or 504",
    "drop": "close the connection without an answer",
    "truncate": "close it in the middle of the body",
    "slow": "drip the body over some seconds (slow=0.01:30 takes 30)",
    "length": "cut a file and its content-length; only the ETag shows it",
    "malformed": "spoil rows of the listing",
}
_SLOW_S = 3.0
_STATUSES = (500, 502, 503, 504)


@dataclass(slots=True)
class Faults:
    """Rates by name, in 0-1, and the attempts counted so far."""

    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    slow_s: float = _SLOW_S
    _attempts: Counter[str] = field(default_factory=Counter)

    def draw(self, method: str, target: str) -> tuple[RequestFault | None, float]:
        """Draw the fault of this attempt, if any, and a number in 0-1 for its details."""
        if not self.rates:
            return None, 0.0
        request = f"{method} {target}"
        self._attempts[request] += 1
        key = f"{self.seed} {request} {self._attempts[request]}"
        chance = _uniform(key)
        for fault in REQUEST_FAULTS:
            if chance < self.rates.get(fault, 0.0):
                return fault, _uniform(f"{key} details")
            chance -= self.rates.get(fault, 0.0)
        return None, 0.0

    def spoil(self, model_id: str, row: dict[str, object]) -> object:
        """A row of the listing as it is sent. The draw depends on the model alone: a spoilt row stays spoilt."""
        rate = self.rates.get("malformed", 0.0)
        if not rate or _uniform(f"{self.seed} row {model_id}") >= rate:
            return row
        kind = int(_uniform(f"{self.seed} kind {model_id}") * len(_SPOILS))
        return _SPOILS[kind](row)

    def reset(self) -> None:
        self._attempts.clear()


def parse_faults(spec: str | None, seed: int = 0) -> Faults:
    """Parse `5xx=0.02,drop=0.01`. Raises `UsageError` for unknown names and values that are not rates."""
    rates: dict[str, float] = {}
    slow_s = _SLOW_S
    for item in filter(None, (part.strip() for part in (spec or "").split(","))):
        name, _, value = item.partition("=")
        if name not in FAULT_HELP:
            raise UsageError(f"no fault is called {name!r}; choose from: {', '.join(FAULT_HELP)}")
        rate, colon, seconds = value.partition(":")
        if colon and name != "slow":
            raise UsageError(f"fault {item!r}: only slow takes seconds, as in slow=0.01:30")
        rates[name] = _number(rate, item)
        slow_s = _number(seconds, item) if colon else slow_s
    total = sum(rates.get(fault, 0.0) for fault in REQUEST_FAULTS)
    if max(rates.values(), default=0.0) > 1 or total > 1 + 1e-9:
        raise UsageError(
            "a fault's rate must be between 0 and 1, and rates of faults of requests must add up to at most 1"
        )
    return Faults(rates, seed, slow_s)


def _number(text: str, item: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 3600:
        raise UsageError(f"fault {item!r}: write a rate between 0 and 1 after the name, as in 5xx=0.02")
    return number


def server_error(detail: float) -> ReplicaResponse:
    """An answer that a gateway gives in place of the Hub: no error code, HTML instead of JSON."""
    status = _STATUSES[int(detail * len(_STATUSES))]
    return ReplicaResponse(
        status, b"<html><body>server error</body></html>", (("content-type", "text/html"),)
    )


def cut(body: bytes, detail: float) -> bytes:
    """Cut off the end of the body: at least one byte."""
    return body[: int(detail * len(body))]


def _uniform(key: str) -> float:
    digest = blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


# Each was observed, or represents a class of observed rows; most end `list_models` where they occur.
_SPOILS: tuple[Callable[[dict[str, Any]], object], ...] = (
    lambda row: {**row, "cardData": {"tags": 5}},
    lambda row: {**row, "cardData": {"model-index": [{"name": "m", "results": [{"source": {}}]}]}},
    lambda row: {**row, "cardData": "license: mit"},
    lambda row: {key: value for key, value in row.items() if key != "id"},
    lambda row: {**row, "id": 12345},
    lambda row: {**row, "downloads": "many"},
    lambda row: {**row, "likes": -1.5},
    lambda row: {**row, "tags": "text-generation"},
    lambda row: {**row, "siblings": [None]},
    lambda row: {**row, "createdAt": "yesterday"},
    lambda row: {**row, "self": 1},
    lambda row: None,
    lambda row: cast(object, list(row)),
)
