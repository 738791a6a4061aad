"""Orders and claims: who does which part, and what happens to the parts of the dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import CrewLost, WriterBusy
from tasks.records import CardRef, JudgeSpec, SpendingCap, TextRef
from tasks.storage.lake import Lake
from tasks.work.coordinator import at_work_for, coordinating, is_coordinated, take_over
from tasks.work.crew import REPLACEMENTS_MAX, Crew, Member
from tasks.work.leases import WRITER, Leases, Watch, holder_of, is_gone, new_holder
from tasks.work.orders import (
    Order,
    Puller,
    Shared,
    WorkStage,
    close_stage,
    open_stage,
    outstanding,
    read_shared,
    withdraw,
)
from tasks.work.request import CrewRequest
from tasks.work.run import Run

DAY = date(2026, 11, 16)
READ, DESCRIBE = WorkStage(DAY, "read"), WorkStage(DAY, "describe")
ELSEWHERE = "another-machine:1:00000000"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def workers(lake: Lake) -> Iterator[list[Puller]]:
    """Two processes' worth of pullers: each with leases of its own."""
    with ExitStack() as stack:
        pullers = []
        for _ in range(2):
            leases = Leases(lake, new_holder(), lease_s=60)
            stack.callback(leases.close)
            pullers.append(Puller(lake, leases, DAY, ("read", "describe")))
        yield pullers


def orders(stage: WorkStage, parts: int) -> list[Order]:
    refs = (TextRef("cards/d/p.parquet", "h"),) if stage.kind != "read" else (CardRef("ada/one", "s"),)
    return [Order(stage, f"part{number}", refs) for number in range(parts)]


def test_an_order_comes_back_as_it_was_given(lake: Lake) -> None:
    refs = (CardRef("ada/one", "sha", '"etag"', "hash", 2), CardRef("bob/ü", "sha2"))
    open_stage(lake, READ, Shared(hub="http://hub"), [Order(READ, "p", refs)])
    assert outstanding(lake, READ) == [Order(READ, "p", refs)]


@given(
    model=st.none() | st.text(),
    urls=st.lists(st.text(), max_size=3),
    version=st.text(),
    cap=st.builds(SpendingCap, st.none() | st.floats(0, 9), st.none() | st.integers(1, 9)),
)
def test_what_a_stage_shares_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    model: str | None,
    urls: list[str],
    version: str,
    cap: SpendingCap,
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    shared = Shared(spec=JudgeSpec("openai", model, tuple(urls), cap=cap), boilerplate=version)
    open_stage(lake, WorkStage(DAY, "judge", "f"), shared, [])
    assert read_shared(lake, WorkStage(DAY, "judge", "f")) == shared


def test_every_order_is_done_once_by_workers_that_pull_together(lake: Lake, workers: list[Puller]) -> None:
    open_stage(lake, DESCRIBE, Shared(), orders(DESCRIBE, 40))
    done: list[str] = []

    def work(puller: Puller) -> None:
        while puller.look() or puller.open_orders:
            if order := puller.next():
                done.append(order.part)
                puller.done(order)

    threads = [threading.Thread(target=work, args=(puller,)) for puller in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(order.part for order in orders(DESCRIBE, 40))
    assert not lake.entries("claims")


def test_what_another_is_at_is_left_alone(lake: Lake, workers: list[Puller]) -> None:
    open_stage(lake, READ, Shared(), orders(READ, 1))
    first, second = workers
    assert first.next()
    assert second.next() is None
    assert second.open_orders == first.open_orders != frozenset()


def test_a_part_is_taken_over_once_its_claim_has_not_changed_for_a_lease(
    lake: Lake, workers: list[Puller]
) -> None:
    now = [0.0]
    puller = replace(workers[0], _watch=Watch(lambda: now[0]))
    open_stage(lake, READ, Shared(), orders(READ, 1))
    (order,) = orders(READ, 1)
    lake.put(order.claim, b'{"holder": "%s", "beat": 1}' % ELSEWHERE.encode())
    assert puller.next() is None
    now[0] = 59
    assert puller.next() is None
    lake.put(order.claim, b'{"holder": "%s", "beat": 2}' % ELSEWHERE.encode())
    now[0] = 61
    assert puller.next() is None  # it was renewed: two seconds ago, as far as we know
    now[0] = 122
    assert puller.next() == order


def test_a_part_of_a_process_of_this_machine_that_is_gone_is_taken_over_at_once(
    lake: Lake, workers: list[Puller]
) -> None:
    open_stage(lake, READ, Shared(), orders(READ, 1))
    (order,) = orders(READ, 1)
    host = new_holder().partition(":")[0]  # with the number of its process table
    lake.put(
        order.claim, b'{"holder": "%s:4194305:dead"}' % host.encode()
    )  # above the highest process number
    assert workers[0].next() == order


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"holder": 5}', b"\xff"])
def test_a_claim_that_cannot_be_read_counts_as_one_that_is_held(
    lake: Lake, workers: list[Puller], body: bytes
) -> None:
    open_stage(lake, READ, Shared(), orders(READ, 1))
    lake.put(orders(READ, 1)[0].claim, body)
    assert workers[0].next() is None


def test_kinds_that_are_not_asked_for_are_left_alone(lake: Lake, workers: list[Puller]) -> None:
    judge = WorkStage(DAY, "judge", "f")
    open_stage(lake, judge, Shared(), orders(judge, 1))
    open_stage(lake, READ, Shared(), orders(READ, 1))
    assert workers[0].next(exclude=["read"]) is None
    order = workers[0].next()
    assert order is not None
    assert order.stage == READ


def test_a_closed_stage_leaves_no_claims(lake: Lake, workers: list[Puller]) -> None:
    open_stage(lake, READ, Shared(), orders(READ, 2))
    assert workers[0].next()
    close_stage(lake, READ)
    assert read_shared(lake, READ) is None
    assert not lake.entries("claims")


def test_orders_of_a_judge_that_is_no_longer_asked_for_are_taken_back(lake: Lake) -> None:
    old, new = WorkStage(DAY, "judge", "old"), WorkStage(DAY, "judge", "new")
    for stage in (old, new, DESCRIBE):
        open_stage(lake, stage, Shared(), orders(stage, 1))
    withdraw(lake, DAY, keep=new)
    assert not outstanding(lake, old)
    assert outstanding(lake, new)
    assert outstanding(lake, DESCRIBE)


def test_a_lease_is_renewed_for_as_long_as_it_is_held(lake: Lake) -> None:
    leases = Leases(lake, "me", lease_s=0.04)
    assert leases.take("claims/x")
    tags: set[str] = set()
    while len(tags) < 3:
        tags.add(lake.entries("claims/x")["claims/x"])
    leases.close()
    assert lake.get("claims/x") is None


def test_a_lease_that_somebody_else_took_over_stays_theirs(lake: Lake) -> None:
    leases = Leases(lake, "me", lease_s=0.04)
    assert leases.take("writer")
    stayed = 0
    while stayed < 10:
        is_theirs = holder_of(lake, "writer") == "you"
        stayed = stayed + 1 if is_theirs else 0
        if not is_theirs:
            lake.put("writer", b'{"holder": "you"}')  # again: a renewal under way may have come after it
        time.sleep(0.01)  # ten of them are two renewals
    leases.close()
    assert holder_of(lake, "writer") == "you"


def test_of_many_that_reach_for_a_free_lease_one_gets_it(tmp_path: Path) -> None:
    lake, gate = Lake(tmp_path), threading.Barrier(8)
    every = [Leases(lake, f"process-{number}", lease_s=60) for number in range(8)]

    def reach(leases: Leases) -> list[bool]:
        got = []
        for turn in range(20):
            gate.wait()
            got.append(leases.take(f"claims/{turn}"))
        return got

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(reach, every))
    for leases in every:
        leases.close()
    assert [sum(turn) for turn in zip(*got, strict=True)] == [1] * 20


def test_a_coordinator_that_was_replaced_stops_and_leaves_the_lake_alone(tmp_path: Path) -> None:
    with coordinating(tmp_path, DAY) as run:
        run.check()
        Lake(tmp_path).put(WRITER, b'{"holder": "%s"}' % ELSEWHERE.encode())
        with pytest.raises(WriterBusy, match="another run took over"):
            run.check()
    assert holder_of(Lake(tmp_path), WRITER) == ELSEWHERE


def test_only_a_dead_process_of_this_machine_is_known_to_be_gone() -> None:
    assert not is_gone(new_holder())
    assert not is_gone(ELSEWHERE)
    assert not is_gone(None)
    assert not is_gone("nonsense")
    assert is_gone(f"{new_holder().partition(':')[0]}:4194305:dead")


def test_a_second_coordinator_is_refused_while_the_first_renews(lake: Lake) -> None:
    first, second = (Leases(lake, name, lease_s=2) for name in (ELSEWHERE, "b"))
    take_over(lake, first, DAY)
    with pytest.raises(WriterBusy, match="another run is writing"):
        take_over(lake, second, DAY)
    first.close()
    take_over(lake, second, DAY)
    assert holder_of(lake, WRITER) == "b"
    second.close()


def test_the_place_of_a_coordinator_that_died_elsewhere_is_free_after_its_lease(lake: Lake) -> None:
    lake.put(WRITER, b'{"holder": "%s", "snapshot": "2026-11-16"}' % ELSEWHERE.encode())
    mine = Leases(lake, "b", lease_s=0.05)
    take_over(lake, mine, DAY)
    assert holder_of(lake, WRITER) == "b"
    mine.close()


def test_a_crew_knows_whether_its_snapshot_is_coordinated(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with at_work_for(Run(tmp_path, DAY), ["read"]) as (_, is_over):
        assert is_over()
        with coordinating(tmp_path, DAY):
            assert not is_over()
            assert not is_coordinated(lake, date(2026, 11, 9), Watch(), 60)
        assert is_over()


def test_flows_inside_one_another_share_a_run(tmp_path: Path) -> None:
    with coordinating(tmp_path, DAY) as outer, coordinating(tmp_path, DAY) as inner:
        assert inner is outer
        with (
            pytest.raises(WriterBusy, match="works on the snapshot of 2026-11-16"),
            coordinating(tmp_path, date(2026, 11, 9)),
        ):
            pass
    with coordinating(tmp_path, DAY) as again:
        assert again is not outer


def crew_of_one() -> tuple[Crew, list[str | None], list[float]]:
    """A crew, how each of its members ended so far, and the time."""
    now, ends = [100.0], list[str | None]()

    def start() -> Member:
        number = len(ends)
        ends.append(None)
        return Member(lambda: ends[number])

    crew = Crew(CrewRequest(judge_pool="gpu"), [start], clock=lambda: now[0])
    crew.start()
    return crew, ends, now


def test_a_member_that_ended_is_replaced_until_it_is_of_no_use() -> None:
    crew, ends, now = crew_of_one()
    for _ in range(REPLACEMENTS_MAX):
        ends[-1] = "Crashed: killed"
        now[0] += 11
        crew.look_after(5, alone=True)
    assert len(ends) == 1 + REPLACEMENTS_MAX
    ends[-1] = "Failed: no such model"
    now[0] += 11
    with pytest.raises(CrewLost, match="no such model"):
        crew.look_after(5, alone=True)


def test_a_new_stage_is_a_new_chance() -> None:
    crew, ends, now = crew_of_one()
    for _ in range(5):
        crew.begin_stage()
        for _ in range(REPLACEMENTS_MAX):
            ends[-1] = "Crashed"
            now[0] += 11
            crew.look_after(5, alone=True)
    assert len(ends) == 1 + 5 * REPLACEMENTS_MAX


def test_orders_of_a_stage_that_is_not_open_are_left_alone(lake: Lake, workers: list[Puller]) -> None:
    open_stage(lake, READ, Shared(), orders(READ, 1))
    lake.delete(READ.header)
    assert workers[0].next() is None
    assert not workers[0].open_orders


def test_a_coordinator_does_not_wait_for_ever_for_a_pool_without_workers() -> None:
    crew, _, now = crew_of_one()
    crew.look_after(5, alone=True)
    now[0] += 3601
    with pytest.raises(CrewLost, match="prefect worker start --pool gpu"):
        crew.look_after(5, alone=True)


def test_a_coordinator_that_can_do_the_parts_itself_goes_on_without_its_crew() -> None:
    crew, ends, now = crew_of_one()
    for _ in range(10):
        ends[-1] = "Crashed"
        now[0] += 4000
        crew.look_after(5, alone=False)
