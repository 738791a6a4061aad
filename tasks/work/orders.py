"""Parts still to be done, as orders in the lake: a free process pulls one, does it, and deletes it.

    orders/<snapshot>/<stage>.json          the open stage: what all of its orders share
    orders/<snapshot>/<stage>/<part>.json   one part still to be done
    claims/<snapshot>/<stage>/<part>        which process works on it (`tasks/work/leases.py`)

A stage is a kind of work, with the judge or embedder that it is for: `read`, `describe`, `judge-<fingerprint>`,
`embed-<fingerprint>`; the parts of `assess-<fingerprint>` are described, and judged by the same evidence. The
coordinator of a snapshot opens and closes stages; the coordinator and its crew, on any machine, pull. An order is
deleted once its part is in the lake, so the others find what a dead worker left, and the next coordinator finds what a
killed one left. docs/fan-out.md compares this with sub-flows and background tasks.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, get_args

import orjson

from tasks.records import CardRef, JudgeSpec, SpendingCap, TextRef
from tasks.storage.lake import Lake
from tasks.work.leases import RENEWALS_PER_LEASE, Leases, Watch, holder_of, is_gone

WorkKind = Literal["identify", "prove", "read", "describe", "assess", "judge", "explain", "embed"]
KINDS: tuple[WorkKind, ...] = get_args(WorkKind)

_ORDERS, _CLAIMS = "orders", "claims"


@dataclass(frozen=True, slots=True)
class WorkStage:
    """One kind of work of one snapshot; `fingerprint` is that of the judge or embedder that it is for, if any."""

    snapshot: date
    kind: WorkKind
    fingerprint: str = ""

    @property
    def kinds(self) -> tuple[WorkKind, ...]:
        """The kinds of work that its parts do: to assess is to describe and to judge."""
        return ("describe", "judge") if self.kind == "assess" else (self.kind,)

    @property
    def key(self) -> str:
        """Its name in the lake."""
        return f"{self.kind}-{self.fingerprint}" if self.fingerprint else self.kind

    @property
    def header(self) -> str:
        """The object that holds what its orders share."""
        return f"{_ORDERS}/{self.snapshot}/{self.key}.json"

    @property
    def folder(self) -> str:
        """The folder of its orders."""
        return f"{_ORDERS}/{self.snapshot}/{self.key}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What the orders of a stage have in common: the Hub to read, or the judge or the embedder to ask.

    `boilerplate`: the version of the table that says what nobody wrote; empty for the shipped one.
    """

    hub: str | None = None
    spec: JudgeSpec | None = None
    embedder: str | None = None
    boilerplate: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One part to be done: its name in the lake, and what it is about."""

    stage: WorkStage
    part: str
    refs: tuple[CardRef, ...] | tuple[TextRef, ...] = ()

    @property
    def name(self) -> str:
        """Its place in the lake."""
        return f"{self.stage.folder}/{self.part}.json"

    @property
    def claim(self) -> str:
        """The name of the claim of the process that does it."""
        return _claim_of(self.name)


def open_stage(lake: Lake, stage: WorkStage, shared: Shared, orders: Iterable[Order]) -> None:
    """Write down what is to be done; orders that exist already stay."""
    lake.put(stage.header, orjson.dumps(asdict(shared)))
    for order in orders:
        lake.put(order.name, orjson.dumps([list(asdict(ref).values()) for ref in order.refs]))


def close_stage(lake: Lake, stage: WorkStage) -> None:
    """Remove the stage's header and its claims: nothing is left to pull."""
    lake.delete(stage.header)
    for name in lake.entries(f"{_CLAIMS}/{stage.snapshot}/{stage.key}"):
        lake.delete(name)


def withdraw(lake: Lake, snapshot: date, *, keep: WorkStage) -> None:
    """Withdraw the orders of other stages of the kind of `keep`: those of a judge that was requested before."""
    for name in lake.entries(f"{_ORDERS}/{snapshot}"):
        stage = stage_of(name)
        if stage and stage.kind == keep.kind and stage != keep:
            lake.delete(name)


def outstanding(lake: Lake, stage: WorkStage) -> list[Order]:
    """Orders of a stage that an earlier run left."""
    return [
        order
        for name in sorted(lake.entries(stage.folder))
        if (order := _read_order(lake, stage, name)) is not None
    ]


def read_shared(lake: Lake, stage: WorkStage) -> Shared | None:
    """What the orders of a stage share; null where the stage is closed."""
    body = lake.get(stage.header)
    if body is None:
        return None
    content = orjson.loads(body)
    spec = content["spec"]
    judge = (
        JudgeSpec(**{**spec, "urls": tuple(spec["urls"]), "cap": SpendingCap(**spec["cap"])})
        if spec
        else None
    )
    return Shared(content["hub"], judge, content["embedder"], content["boilerplate"])


def _read_order(lake: Lake, stage: WorkStage, name: str) -> Order | None:
    """The order of that name; null where another process has finished it meanwhile."""
    body = lake.get(name)
    if body is None:
        return None
    ref: Any = CardRef if stage.kind == "read" else TextRef
    part = name.rpartition("/")[2].removesuffix(".json")
    return Order(stage, part, tuple(ref(*values) for values in orjson.loads(body)))


def stage_of(name: str) -> WorkStage | None:
    """The stage of an order, a claim or a stage's header; null for a name that this version does not know."""
    try:
        _, snapshot, key = name.split("/")[:3]
        kind, _, fingerprint = key.removesuffix(".json").partition("-")
        return WorkStage(date.fromisoformat(snapshot), kind, fingerprint) if kind in KINDS else None
    except ValueError:
        return None


def is_of_part(name: str) -> bool:
    """Whether it is an order or a claim: a stage's header lies one folder higher."""
    return name.count("/") == 3


@dataclass(slots=True)
class Puller:
    """Claims orders of a snapshot one after the other, and leaves alone those that others work on."""

    lake: Lake
    leases: Leases
    snapshot: date
    kinds: Collection[WorkKind]
    open_orders: frozenset[str] = frozenset()  # names, of these kinds, when last looked
    mine: dict[str, Order] = field(default_factory=dict)  # claimed and not done, by name
    _stale: frozenset[str] = frozenset()  # orders whose claims belong to dead processes, when last looked
    _watch: Watch = field(default_factory=Watch)
    _choice: random.Random = field(default_factory=random.Random)

    def next(self, exclude: Collection[WorkKind] = ()) -> Order | None:
        """Claim an order that nobody works on, of any kind not in `exclude`; null where there is none just now."""
        free = [name for name in self.look() if (stage := stage_of(name)) and stage.kind not in exclude]
        # A random choice rarely meets that of another process at the same moment.
        self._choice.shuffle(free)
        for name in free:
            if order := self._claim(name):
                return order
        return None

    def look(self) -> list[str]:
        """Names of open orders that no live process works on."""
        names = self.lake.entries(f"{_ORDERS}/{self.snapshot}")
        self.open_orders = frozenset(
            name
            for name in names
            if is_of_part(name)
            and (stage := stage_of(name))
            and stage.kind in self.kinds
            and stage.header in names
        )
        unchanged_s = self._watch.look(self.lake.entries(f"{_CLAIMS}/{self.snapshot}"))
        others = self.open_orders - self.mine.keys()
        claimed = {name for name in others if _claim_of(name) in unchanged_s}
        self._stale = frozenset(
            name for name in claimed if self._is_stale(claim := _claim_of(name), unchanged_s[claim])
        )
        return sorted(others - claimed | self._stale)

    def done(self, order: Order) -> None:
        """The order's part is in the lake."""
        self.lake.delete(order.name)
        self.let_go(order)

    def let_go(self, order: Order) -> None:
        """Leave an order to others."""
        self.mine.pop(order.name, None)
        self.leases.give_back(order.claim)

    def _is_stale(self, claim: str, unchanged_s: float) -> bool:
        """Whether the claim's process is dead: known to have ended, or silent for the length of a lease."""
        if 0 < unchanged_s < self.leases.lease_s / RENEWALS_PER_LEASE:
            return False  # checked when first seen, and not due for renewal yet
        return unchanged_s >= self.leases.lease_s or is_gone(holder_of(self.lake, claim))

    def _claim(self, name: str) -> Order | None:
        stage = stage_of(name)
        if stage is None or not self.leases.take(_claim_of(name), is_stale=name in self._stale):
            return None
        order = _read_order(self.lake, stage, name)
        if order is None:  # finished since we looked
            self.leases.give_back(_claim_of(name))
            return None
        self.mine[name] = order
        return order


def _claim_of(name: str) -> str:
    """The claim on an order of this name."""
    return name.replace(_ORDERS, _CLAIMS, 1).removesuffix(".json")
