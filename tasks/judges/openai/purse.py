"""What a run may spend on a judge model that is paid for, and what it has spent: a cap that holds across threads.

Each request sets its highest possible price aside before it is sent, and pays what it cost when the answer is there.
So the cap is never exceeded by requests in flight; towards its end fewer of them fit at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from tasks.errors import BudgetReached, UsageError
from tasks.records import JudgeSpec, SpendingCap
from tasks.settings import Settings

PRICES = "CARDIOGRAPH_JUDGE_PRICE_IN and CARDIOGRAPH_JUDGE_PRICE_OUT"
_LOOK_EVERY_S = 0.05
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """Prices of a million tokens, in any currency: read by the model, and written by it."""

    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (self.tokens_in * tokens_in + self.tokens_out * tokens_out) / _MILLION


def price_of(limits: Settings) -> TokenPrice | None:
    """The prices of the settings; null where neither is set. UsageError for one without the other."""
    prices = limits.judge_price_in, limits.judge_price_out
    match prices:
        case (None, None):
            return None
        case (None, _) | (_, None):
            raise UsageError(f"only one price of tokens is set; set both {PRICES}, each per million tokens")
    return TokenPrice(*prices)


@dataclass
class RequestCost:
    """What one request costs: at most so much until `report`, and then what the server reports.

    A request whose answer is lost is paid in full, because nobody knows.
    """

    tokens_in: int
    tokens_out: int
    is_served: bool = True

    def report(self, tokens_in: int, tokens_out: int) -> None:
        """Take over the tokens of an answer; a server that counts none is charged the most that it could have been."""
        if tokens_in:
            self.tokens_in, self.tokens_out = tokens_in, tokens_out

    def waive(self) -> None:
        """The server did not take the request up."""
        self.tokens_in = self.tokens_out = 0
        self.is_served = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent so far. `requests` are those that a server took up."""

    money: float = 0.0
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def and_for(self, cost: RequestCost, money: float) -> Spent:
        """The same with one more request."""
        return Spent(
            self.money + money,
            self.requests + cost.is_served,
            self.tokens_in + cost.tokens_in,
            self.tokens_out + cost.tokens_out,
        )


class Purse:
    """The budget of one judge in one process; null caps are no caps. UsageError for money without prices."""

    def __init__(self, cap: SpendingCap, price: TokenPrice | None) -> None:
        if cap.money is not None and price is None:
            raise UsageError(f"--budget is in money, and no price is known; set {PRICES}, per million tokens")
        self._money, self._requests, self._price = cap.money, cap.requests, price
        self._lock = threading.Lock()
        self._set_aside = 0.0
        self._in_flight = 0
        self.spent = Spent()

    @asynccontextmanager
    async def request(self, tokens_in_max: int, tokens_out_max: int) -> AsyncIterator[RequestCost]:
        """Set aside what a request may cost for as long as the block lasts, then pay what it did.

        Waits for answers in flight where it does not fit; raises BudgetReached where it never will.
        """
        cost = RequestCost(tokens_in_max, tokens_out_max)
        at_most = self._price_of(cost)
        while not self._take(at_most):
            await asyncio.sleep(_LOOK_EVERY_S)
        try:
            yield cost
        finally:
            self._pay(cost, at_most)

    def _price_of(self, cost: RequestCost) -> float:
        return self._price.of(cost.tokens_in, cost.tokens_out) if self._price else 0.0

    def _take(self, at_most: float) -> bool:
        with self._lock:
            money, requests = (
                self.spent.money + self._set_aside + at_most,
                self.spent.requests + self._in_flight,
            )
            fits = (self._money is None or money <= self._money) and (
                self._requests is None or requests < self._requests
            )
            if fits:
                self._set_aside += at_most
                self._in_flight += 1
            elif not self._in_flight:
                raise BudgetReached(self._reached())
            return fits

    def _pay(self, cost: RequestCost, at_most: float) -> None:
        with self._lock:
            self._in_flight -= 1
            self._set_aside = self._set_aside - at_most if self._in_flight else 0.0  # no dust of rounding
            self.spent = self.spent.and_for(cost, self._price_of(cost))

    def _reached(self) -> str:
        caps = [f"{self._money:g}"] if self._money is not None else []
        caps += [f"{self._requests:,} requests"] if self._requests is not None else []
        spent = self.spent
        money = f"{spent.money:.4f} in " if self._price else ""
        return (
            f"the budget of {' and '.join(caps)} does not cover another request (spent so far: {money}"
            f"{spent.requests:,} requests, {spent.tokens_in:,} tokens read and {spent.tokens_out:,} written)"
        )


_purses: dict[JudgeSpec, Purse] = {}
_purses_lock = threading.Lock()


def purse_of(spec: JudgeSpec, limits: Settings) -> Purse:
    """The purse of a judge in this process: one for all that a run asks it, from the first question to the last."""
    key = replace(spec, revision=None, explains=False)
    with _purses_lock:
        if key not in _purses:
            _purses[key] = Purse(spec.cap, price_of(limits))
        return _purses[key]
