"""Where requests wait until a server has room for them."""

from __future__ import annotations

import asyncio
from collections import deque


class Room:
    """First come, first served; used on one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.wanted = 0  # by how many: those that wait, and those that are called and have not come yet

    async def wait(self, seconds: float | None, *, is_new: bool) -> None:
        """Wait for room, at most so long. One that was called before and found none stays the first."""
        call = asyncio.get_running_loop().create_future()
        (self._waiting.append if is_new else self._waiting.appendleft)(call)
        self.wanted += 1
        try:
            async with asyncio.timeout(seconds):
                await call
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            if call.done() and not call.cancelled():
                self.open(1)  # it was called and cannot come: the next one
            raise
        finally:
            self.wanted -= 1
            if call in self._waiting:
                self._waiting.remove(call)

    def open(self, places: int | None = None) -> None:
        """Call as many as have a place; without a number all, to look for themselves."""
        for _ in range(len(self._waiting) if places is None else min(places, len(self._waiting))):
            call = self._waiting.popleft()
            if not call.done():
                call.set_result(None)
