"""A budget holds across threads: requests in flight never exceed it, and nothing that was spent is forgotten."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from tasks.errors import BudgetReached, UsageError
from tasks.judges.openai.purse import Purse, TokenPrice, price_of, purse_of
from tasks.records import JudgeSpec, SpendingCap
from tasks.settings import Settings

PRICE = TokenPrice(2.0, 10.0)  # a million tokens in, out


def purse(money: float | None = None, requests: int | None = None, price: TokenPrice | None = PRICE) -> Purse:
    return Purse(SpendingCap(money, requests), price)


async def ask(
    purse: Purse, tokens_in: int = 100, tokens_out: int = 10, most: tuple[int, int] = (1000, 100)
) -> None:
    async with purse.request(*most) as cost:
        await asyncio.sleep(random.uniform(0, 0.002))
        cost.report(tokens_in, tokens_out)


def test_a_request_costs_what_its_answer_reports() -> None:
    spending = purse(money=1)
    asyncio.run(ask(spending))
    assert spending.spent.money == pytest.approx((100 * 2 + 10 * 10) / 1e6)
    assert (spending.spent.requests, spending.spent.tokens_in, spending.spent.tokens_out) == (1, 100, 10)


def test_a_request_that_was_lost_costs_the_most_that_it_can() -> None:
    spending = purse(money=1)

    async def lose() -> None:
        async with spending.request(1000, 100):
            raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        asyncio.run(lose())
    assert spending.spent.money == pytest.approx((1000 * 2 + 100 * 10) / 1e6)


def test_a_server_that_counts_no_tokens_is_charged_the_most() -> None:
    spending = purse(money=1)
    asyncio.run(ask(spending, 0, 0))
    assert spending.spent.tokens_in == 1000


def test_what_a_server_did_not_take_up_costs_nothing() -> None:
    spending = purse(money=1, requests=1)

    async def refused() -> None:
        async with spending.request(1000, 100) as cost:
            cost.waive()

    asyncio.run(refused())
    asyncio.run(ask(spending))
    assert spending.spent.requests == 1


@pytest.mark.parametrize("cap", [SpendingCap(money=0.0109), SpendingCap(requests=23)])
def test_no_number_of_threads_exceeds_a_cap(cap: SpendingCap) -> None:
    spending, ended = Purse(cap, PRICE), []

    async def many() -> None:
        async def one() -> None:
            try:
                while True:
                    await ask(spending, random.randint(1, 1000), random.randint(1, 100))
            except BudgetReached as reached:
                ended.append(str(reached))

        await asyncio.gather(*(one() for _ in range(6)))

    threads = [threading.Thread(target=asyncio.run, args=[many()]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 24
    if cap.money is not None:
        # Less than one request at its dearest is left over.
        assert cap.money - 0.003 < spending.spent.money <= cap.money
    else:
        assert spending.spent.requests == cap.requests


def test_the_end_of_a_budget_says_what_was_spent() -> None:
    spending = purse(money=0.0031)
    asyncio.run(ask(spending, 1000, 0))
    with pytest.raises(
        BudgetReached, match=r"budget of 0.0031 .*spent so far: 0.0020 in 1 requests, 1,000 tokens read"
    ):
        asyncio.run(ask(spending))


def test_money_needs_prices_and_prices_come_in_pairs() -> None:
    with pytest.raises(UsageError, match="CARDIOGRAPH_JUDGE_PRICE_IN and CARDIOGRAPH_JUDGE_PRICE_OUT"):
        purse(money=5, price=None)
    with pytest.raises(UsageError, match="only one price"):
        price_of(Settings(judge_price_in=1))
    assert price_of(Settings()) is None
    assert price_of(Settings(judge_price_in=1, judge_price_out=0)) == TokenPrice(1, 0)


def test_all_that_a_run_asks_a_judge_comes_out_of_one_purse() -> None:
    spec = JudgeSpec("openai", "m", ("http://of-one-purse",), cap=SpendingCap(requests=2))
    first = purse_of(spec, Settings())
    assert (
        purse_of(JudgeSpec("openai", "m", ("http://of-one-purse",), "r", cap=spec.cap), Settings()) is first
    )
    assert purse_of(JudgeSpec("openai", "m", ("http://another",), cap=spec.cap), Settings()) is not first
