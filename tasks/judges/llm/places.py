"""Where requests wait for a place, first come, first served: `asyncio.Semaphore`, but of places that come and go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
P = TypeVar("P")


class Places(Generic[K, P]):
    """Places of any kind; used on one event loop.

    take        takes a place for a key; null where none is free
    give_back   frees it again, for one that was given a place and does not come
    """

    def __init__(self, take: Callable[[K], P | None], give_back: Callable[[P], object]) -> None:
        self._take, self._give_back = take, give_back
        self._waiting: deque[tuple[K, asyncio.Future[P]]] = deque()

    @property
    def are_wanted(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    async def place(self, key: K) -> P:
        """A place, behind all who came before."""
        if not self._waiting and (place := self._take(key)) is not None:
            return place
        future: asyncio.Future[P] = asyncio.get_running_loop().create_future()
        waiting = key, future
        self._waiting.append(waiting)
        try:
            return await future
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif not future.cancelled() and not future.exception():
                self._give_back(future.result())
                self.offer()
            raise

    def offer(self) -> None:
        """Call it whenever a place may be free: those who wait longest take what there is."""
        while self._waiting:
            key, place = self._waiting[0]
            if place.done():
                self._waiting.popleft()
            elif (taken := self._take(key)) is None:
                return
            else:
                self._waiting.popleft()
                place.set_result(taken)

    def refuse(self, error: Callable[[], Exception]) -> None:
        """There will be no places: raise an error in all that wait."""
        while self._waiting:
            _, place = self._waiting.popleft()
            if not place.done():
                place.set_exception(error())
