"""Which replicas of a judge answer, and that all of them are the same judge for as long as a run lasts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import inf
from time import monotonic

from anyio.abc import TaskGroup

from tasks.errors import JudgeError, JudgesDiffer, JudgeUnreachable
from tasks.judges.llm.client import JudgeClient, ServerNotReady, key_refused
from tasks.judges.llm.concurrency import AdaptiveLimit
from tasks.judges.llm.metrics import ReplicaCounters
from tasks.judges.llm.served import Served, ServesAnother, introduced
from tasks.judges.llm.waits import Waits
from tasks.settings import Settings

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0  # between two probes
_ENGINES_MAX = (
    16  # fingerprints of one replica during a run: a server that is restarted with other options has a few
)
_COUNTERS_WITHIN_S = 1.0  # while requests wait; one that hangs must not hide it by being slow here too


@dataclass(eq=False)
class JudgeReplica:
    """The current state of one replica."""

    url: str
    limit: AdaptiveLimit
    waits: Waits
    is_up: bool = False
    is_probed: bool = False  # a probe is waiting for it to come back
    in_flight: int = 0
    busy_until: float = 0.0
    problem: str = "it has not been asked yet"
    fingerprints: set[str] = field(default_factory=set)  # of engine and model, as its answers carry them
    counters: ReplicaCounters = field(default_factory=ReplicaCounters)
    health_check: asyncio.Lock = field(default_factory=asyncio.Lock)
    health_checked_at: float = -inf
    is_well: bool = False  # by its last health check

    def has_place(self, now: float) -> bool:
        """Whether it may be given one more request."""
        return self.is_up and self.busy_until <= now and self.in_flight < self.limit.limit


class ReplicaHealth:
    """Marks replicas up and down. One that is down gets no requests and is probed until it answers again.

    Used on the event loop only. `probes` is the task group that runs the probes, and what else runs beside the
    requests. Where `model` is named, servers of other models are left out: they are another judge's. `on_change` is
    called when a replica is back, and when none ever will be.
    """

    probes: TaskGroup
    served: Served  # by the first replica that answered: the others have to serve the same

    def __init__(
        self,
        urls: Sequence[str],
        model: str | None,
        client: JudgeClient,
        limits: Settings,
        on_change: Callable[[], object],
    ) -> None:
        self.replicas = [
            JudgeReplica(url, AdaptiveLimit(1, 1), Waits(limits.judge_timeout_s)) for url in urls
        ]
        self._on_change = on_change
        self._first = self.replicas[0]
        self._model = model
        self._client = client
        self._patience_s = limits.judge_patience_s
        self._all_down_since: float | None = None
        self._fatal: JudgeError | None = None
        self._changed = asyncio.Event()

    async def open(self) -> list[Served]:
        """Ask all servers what they serve until one answers; what those that answered serve.

        Raises JudgeUnreachable, JudgeRefused and JudgesDiffer.
        """
        self._all_down_since = monotonic()
        for pause in _pauses():
            answers = await asyncio.gather(*map(self._first_answer, self.replicas))
            pairs = list(zip(self.replicas, answers, strict=True))
            self.replicas = [replica for replica, answer in pairs if not isinstance(answer, ServesAnother)]
            if not self.replicas:
                raise next(answer for answer in answers if isinstance(answer, ServesAnother))
            if found := [(replica, answer) for replica, answer in pairs if isinstance(answer, Served)]:
                break
            await self._wait_with_patience(pause)
        self._first, self.served = found[0]
        for replica, served in found:
            self._compare(replica, served)
            replica.is_up = True
        self._all_down_since = None
        for replica in self.replicas:
            if not replica.is_up:
                self.mark_down(replica, replica.problem)
        return [served for _, served in found]

    async def replicas_up(self) -> list[JudgeReplica]:
        """The replicas that answer, as soon as there is one. Raises the error that ended the run, if any."""
        while True:
            if self.is_over:
                raise self.fatal()
            if replicas := [replica for replica in self.replicas if replica.is_up]:
                return replicas
            await self._changed.wait()

    @property
    def is_over(self) -> bool:
        """Whether an error ended the run."""
        return self._fatal is not None

    def fatal(self) -> JudgeError:
        """The error that ended the run, a new one for each of many threads."""
        error = self._fatal or JudgeError("the run has not ended")
        return type(error)(*error.args)

    def mark_down(self, replica: JudgeReplica, problem: str) -> None:
        """Send it nothing until a probe finds it well, which may be at once."""
        replica.problem, replica.is_up = problem, False
        if self._all_down_since is None and not any(other.is_up for other in self.replicas):
            self._all_down_since = monotonic()
        if not replica.is_probed:
            replica.is_probed = True
            self.probes.start_soon(self._probe, replica)

    async def is_well(self, replica: JudgeReplica) -> bool:
        """Whether /health reports that the server works; concurrent callers share one request."""
        since = monotonic()
        async with replica.health_check:
            if replica.health_checked_at < since:
                try:
                    reply = await self._client.get(f"{replica.url}/health")
                    replica.is_well = reply.status < 500  # a server without /health answers, too
                except ServerNotReady as error:
                    replica.problem, replica.is_well = str(error), False
                replica.health_checked_at = monotonic()
            return replica.is_well

    def is_same_server(self, replica: JudgeReplica, answer: Mapping[str, object]) -> bool:
        """Whether the answer comes from the server that was compared, and not from one started in its place.

        vLLM marks its answers with a fingerprint of engine and model. Where it changes, a probe compares the server
        again, and the answer must not be used. A server whose fingerprint never stays the same ends the run, because
        every answer would be asked for again, for ever.
        """
        fingerprint = answer.get("system_fingerprint")
        if not self._client.marks_engine:
            return True
        if not isinstance(fingerprint, str) or fingerprint in replica.fingerprints:
            return True
        is_first = not replica.fingerprints
        replica.fingerprints.add(fingerprint)
        if len(replica.fingerprints) > _ENGINES_MAX:
            self._end(
                JudgesDiffer(
                    f"{replica.url} has answered as {len(replica.fingerprints)} different engines, by the "
                    "system_fingerprint of its answers: what judges cannot be told. Serve the judge by one server, or "
                    "ask this one by --judge openai:MODEL, which does not rely on fingerprints"
                )
            )
        elif not is_first:
            self.mark_down(replica, "it was restarted")
        return is_first

    async def read_counters(self) -> None:
        """Read /metrics of all replicas that are up; the counters of the others stay as they are."""
        await asyncio.gather(*(self._read_counters(replica) for replica in self.replicas if replica.is_up))

    async def _read_counters(self, replica: JudgeReplica) -> None:
        try:
            reply = await self._client.get(f"{replica.url}/metrics")
        except ServerNotReady:
            return
        if replica.counters.read(reply.text):
            self.mark_down(replica, "it was restarted")  # the probe asks what it serves now

    async def watch(self, replica: JudgeReplica) -> None:
        """For as long as the fleet is open, end the waits for a replica that are in vain."""
        waits, was_late = replica.waits, False
        while True:
            began = monotonic()
            await asyncio.sleep(waits.check_every_s)
            # A machine that was busy or asleep has answers to read first: its own delay is not the server's.
            was_late = not was_late and monotonic() - began > 2 * waits.check_every_s
            if was_late:
                continue
            if waits.are_unanswered(monotonic()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(_COUNTERS_WITHIN_S):
                        await self._read_counters(replica)
                waits.count(sum(replica.counters.total().values()), monotonic())
            waits.give_up(monotonic())

    async def _probe(self, replica: JudgeReplica) -> None:
        """Ask until it is back as the same judge, or until the patience of the whole fleet is used up."""
        try:
            for pause in _pauses():
                if self._fatal or (await self.is_well(replica) and await self._is_back(replica)):
                    return
                await self._wait_with_patience(pause * random.uniform(0.5, 1))
        except JudgeError as error:
            self._end(error)
        finally:
            replica.is_probed = False

    async def _is_back(self, replica: JudgeReplica) -> bool:
        served = await self._introduce(replica)
        if served is None:
            return False
        self._compare(replica, served)
        replica.is_up = True
        self._all_down_since = None
        self._announce()
        return True

    def _end(self, error: JudgeError) -> None:
        """End the run with this error, unless another one has ended it."""
        self._fatal = self._fatal or error
        self._announce()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_change()

    async def _wait_with_patience(self, seconds: float) -> None:
        """Wait, but not beyond the fleet's patience, which is endless while any replica is up. JudgeUnreachable."""
        if self._all_down_since is not None:
            left = self._patience_s - (monotonic() - self._all_down_since)
            if left <= 0:
                problems = "; ".join(f"{replica.url}: {replica.problem}" for replica in self.replicas)
                raise JudgeUnreachable(
                    f"no judge server has answered for {self._patience_s:g} s ({problems[:600]}); check --judge-url, "
                    "start the server, and run again: what was judged is kept"
                )
            seconds = min(seconds, left)
        await asyncio.sleep(seconds)

    async def _first_answer(self, replica: JudgeReplica) -> Served | ServesAnother | None:
        try:
            return await self._introduce(replica)
        except ServesAnother as refusal:
            return refusal

    async def _introduce(self, replica: JudgeReplica) -> Served | None:
        """Ask what it serves; null where it is not ready. Raises `JudgeRefused` where it refuses us or the model."""
        try:
            listing = await self._client.get(f"{replica.url}/v1/models")
            if listing.status in (401, 403):
                raise key_refused(replica.url, listing.status)
            if listing.status >= 500 or listing.status == 429:
                raise ServerNotReady(f"HTTP {listing.status}")
            version = await self._client.get(f"{replica.url}/version")
            metrics = await self._client.get(f"{replica.url}/metrics")
        except ServerNotReady as error:
            replica.problem = str(error)
            return None
        return introduced(replica.url, listing.fields, version.fields, metrics.text, self._model)

    def _compare(self, replica: JudgeReplica, served: Served) -> None:
        """JudgesDiffer where it is not the same judge as the first replica that answered."""
        for name in ("model", "root", "engine", "context_tokens"):
            if (here := getattr(served, name)) != (there := getattr(self.served, name)):
                other = "it had" if replica is self._first else f"{self._first.url} has"
                raise JudgesDiffer(
                    f"{replica.url} has {name} {here}, {other} {there}: replicas must serve the same model on the "
                    "same engine for as long as a run lasts"
                )


def _pauses() -> Iterator[float]:
    """Seconds between probes: each twice as long as the one before, up to a limit."""
    return (min(_FIRST_PAUSE_S * 2 ** min(n, 9), _LONGEST_PAUSE_S) for n in count())
