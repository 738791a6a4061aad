"""Waiting for places that come and go: the order, and that no place is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import JudgeError
from tasks.judges.llm.places import Places


class Table:
    """So many places, of which some are taken."""

    def __init__(self, places: int) -> None:
        self.free = places
        self.queue: Places[None, int] = Places(lambda _: self._take(), lambda _: self._give_back())

    def _take(self) -> int | None:
        if self.free <= 0:
            return None
        self.free -= 1
        return 1

    def _give_back(self) -> None:
        self.free += 1

    def leave(self) -> None:
        self._give_back()
        self.queue.offer()


def test_places_go_to_those_who_wait_longest() -> None:
    async def run() -> list[int]:
        table, order = Table(1), []

        async def guest(number: int) -> None:
            await table.queue.place(None)
            order.append(number)
            await asyncio.sleep(0)
            table.leave()

        await asyncio.gather(*map(guest, range(20)))
        return order

    assert asyncio.run(run()) == list(range(20))


@given(st.integers(1, 3), st.lists(st.sampled_from(["come", "leave", "cancel", "pass"]), max_size=60))
def test_no_place_is_lost_whoever_comes_leaves_or_gives_up(places: int, steps: list[str]) -> None:
    async def run() -> None:
        table = Table(places)
        waiting: list[asyncio.Task[int]] = []
        for step in steps:
            if step == "come":
                waiting.append(asyncio.ensure_future(table.queue.place(None)))
            elif step == "leave" and (seated := [task for task in waiting if task.done()]):
                waiting.remove(seated[0])
                table.leave()
            elif step == "cancel" and waiting and waiting[-1].cancel():
                # Called or not: whoever gives up does not keep a place.
                with suppress(asyncio.CancelledError):
                    await waiting.pop()
            elif step == "pass":
                await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        seated = [task for task in waiting if task.done()]
        assert table.free == places - len(seated) >= 0
        assert len(seated) == min(places, len(waiting))
        for task in waiting:
            task.cancel()

    asyncio.run(run())


def test_where_there_will_be_no_place_all_that_wait_are_told() -> None:
    async def run() -> list[object]:
        table = Table(0)
        waiting = [asyncio.ensure_future(table.queue.place(None)) for _ in range(3)]
        await asyncio.sleep(0)
        table.queue.refuse(lambda: JudgeError("closed"))
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    assert [str(error) for error in asyncio.run(run())] == ["closed"] * 3


def test_a_newcomer_does_not_pass_those_who_wait() -> None:
    async def run() -> None:
        table = Table(0)
        first = asyncio.ensure_future(table.queue.place(None))
        await asyncio.sleep(0)
        table.free += 1
        second = asyncio.ensure_future(table.queue.place(None))
        await asyncio.sleep(0)
        assert not second.done()
        table.queue.offer()
        await first
        assert not second.done()
        second.cancel()

    asyncio.run(run())
