"""A walk for a sample, over real HTTP: the whole listing, killed anywhere, gives the same models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from tasks.errors import UsageError
from tasks.hub.client import Hub, Page, hub_at, leave_hubs
from tasks.hub.listing import read_row
from tasks.hub.sampling import Reservoir
from tasks.hub.source import Source
from tasks.hub.steps import check_selection, list_models
from tasks.hub.walking import walk_for_sample
from tasks.records import ListedModel, Selection
from tasks.replica.process import running_replica
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame, scope_of
from tasks.work.run import Run

WEEK = date(2026, 11, 16)
MODELS, DRAWN = 300, 40
SAMPLE = Selection(sample=DRAWN)


class Killed(BaseException):
    """What ends a process: no `except Exception` sees it."""


def downloads_of(n: int) -> int:
    return 0 if n % 3 else int(10 ** (n / 60))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    pl.DataFrame(
        {
            "model_id": [f"ada-{n % 20}/model-{n:03}" for n in range(MODELS)],
            "card_text": [f"# Model {n}" for n in range(MODELS)],
            "downloads": [downloads_of(n) for n in range(MODELS)],
            "likes": [n % 3 for n in range(MODELS)],
            "library_name": ["transformers"] * MODELS,
            "pipeline_tag": ["text-generation"] * MODELS,
            "tags": [["gguf"] if n % 2 else [] for n in range(MODELS)],
            "last_modified": [f"2026-01-{1 + n % 28:02}T00:00:00.000Z" for n in range(MODELS)],
        }
    ).write_parquet(path)
    with running_replica(path) as served:
        yield served
        leave_hubs()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty pages of listing, and a part for every three of them."""
    monkeypatch.setattr("tasks.hub.client._PAGE_ROWS", 15)
    monkeypatch.setattr("tasks.hub.walking._PAGES_PER_WALK_PART", 3)


def expected(n: int = DRAWN, seed: int = 1) -> dict[str, float]:
    reservoir = Reservoir(n, seed)
    for number in range(MODELS):
        reservoir.offer(f"ada-{number % 20}/model-{number:03}", downloads_of(number))
    return reservoir.draw()


def listed(lake: Lake) -> dict[str, float]:
    (part,) = lake.parts(f"listing/{WEEK}")
    rows = lake.columns(part, ["model_id", "sample_weight"]).to_pylist()
    return {row["model_id"]: row["sample_weight"] for row in rows}


def record(lake: Lake) -> dict[str, object]:
    columns = ["selection", "listed", "sample_n", "sample_seed", "top_n"]
    (row,) = lake.columns(f"snapshots/{WEEK}.parquet", columns).to_pylist()
    return dict(row)


def test_the_whole_listing_is_walked_and_the_drawn_models_are_the_snapshot(url: str, tmp_path: Path) -> None:
    run = Run(tmp_path, WEEK)
    list_models.fn(run, Source(url, "a replica"), SAMPLE)
    assert listed(run.lake) == expected()
    assert record(run.lake) == {
        "selection": "a random sample of 40, seed 1",
        "listed": MODELS,
        "sample_n": DRAWN,
        "sample_seed": 1,
        "top_n": None,
    }


@pytest.mark.parametrize("pages", [0, 1, 3, 8, 19])
def test_a_run_killed_in_the_middle_of_the_walk_continues(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    run, source, read = Run(tmp_path, WEEK), Source(url, "a replica"), Hub.page
    requested: list[str] = []

    def killed_after(hub: Hub, address: str) -> Page:
        if len(requested) == pages:
            raise Killed
        requested.append(address)
        return read(hub, address)

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "page", killed_after)
        with pytest.raises(Killed):
            list_models.fn(run, source, SAMPLE)
    assert run.lake.parts(f"listing/{WEEK}") == []  # nothing of it could land
    assert len(run.lake.parts(f"walks/{WEEK}")) == pages // 3

    def counted(hub: Hub, address: str) -> Page:
        requested.append(address)
        return read(hub, address)

    monkeypatch.setattr(Hub, "page", counted)
    list_models.fn(run, source, SAMPLE)
    assert listed(run.lake) == expected()
    assert record(run.lake)["listed"] == MODELS
    assert len(requested) == 20 + pages % 3  # pages since the last part are read again, no others


@pytest.mark.parametrize("stage", ["listing", "snapshots"])
def test_a_run_killed_after_the_walk_requests_no_page_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    run, source, write = Run(tmp_path, WEEK), Source(url, "a replica"), Lake.write

    def killed_at(lake: Lake, part: str, *rest: object, **notes: object) -> None:
        if part.startswith(stage):
            raise Killed
        write(lake, part, *rest, **notes)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "write", killed_at)
        with pytest.raises(Killed):
            list_models.fn(run, source, SAMPLE)
    monkeypatch.setattr(Hub, "page", lambda *_: pytest.fail("a page was requested"))
    list_models.fn(run, source, SAMPLE)
    assert listed(run.lake) == expected()


def test_another_selection_is_refused_while_the_walk_is_not_finished(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, WEEK)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.hub.walking._drawn_models", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            list_models.fn(run, Source(url, "a replica"), SAMPLE)
    check_selection(run, SAMPLE)
    for other in (Selection(), Selection(sample=DRAWN + 1), Selection(sample=DRAWN, sample_seed=2)):
        with pytest.raises(UsageError, match="was started with: a random sample of 40, seed 1"):
            check_selection(run, other)


def test_a_sample_of_named_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not from named models"):
        check_selection(Run(tmp_path, WEEK), Selection(models=("ada/one",), sample=5))


@pytest.mark.parametrize("n", [0, -1])
def test_a_sample_of_nothing_is_refused(tmp_path: Path, n: int) -> None:
    with pytest.raises(UsageError, match="cannot be drawn"):
        check_selection(Run(tmp_path, WEEK), Selection(sample=n))


def test_a_sample_larger_than_the_listing_is_all_of_it(url: str, tmp_path: Path) -> None:
    run = Run(tmp_path, WEEK)
    list_models.fn(run, Source(url, "a replica"), Selection(sample=MODELS + 1))
    assert set(listed(run.lake).values()) == {1.0}
    assert len(listed(run.lake)) == MODELS


def test_a_sample_is_drawn_from_what_a_filter_leaves(url: str, tmp_path: Path) -> None:
    selection = Selection(sample=20, filters=("gguf",))
    reservoir, scope = walk_for_sample(Lake(tmp_path), WEEK, hub_at(url), selection)
    assert (len(reservoir.draw()), scope.listed) == (20, MODELS // 2)


def test_rows_that_cannot_be_read_are_drawn_like_the_others(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Hub.page

    def spoilt(hub: Hub, address: str) -> Page:
        page = read(hub, address)
        rows = [{**row, "sha": None} if row["id"][-1] == "1" else row for row in page.rows]  # type: ignore[dict-item, index]
        return Page(rows, page.next_url)

    monkeypatch.setattr(Hub, "page", spoilt)
    run = Run(tmp_path, WEEK)
    list_models.fn(run, Source(url, "a replica"), Selection(sample=150))
    failed = [
        subject
        for part in run.lake.parts(f"list_failures/{WEEK}")
        for subject in run.lake.columns(part, ["subject"])["subject"].to_pylist()
    ]
    assert len(run.lake.parts(f"walk_failures/{WEEK}")) == 7
    assert 5 < len(failed) < 25  # 15 of the 30 are expected
    assert len(listed(run.lake)) == 150


def test_a_warehouse_holds_the_drawn_models_alone_and_only_their_cards_are_read(
    url: str, tmp_path: Path
) -> None:
    run = Run(tmp_path, WEEK)
    list_models.fn(run, Source(url, "a replica"), SAMPLE)
    with run.warehouse.writer():
        run.warehouse.begin()
        with run.warehouse.open() as db:
            weights = dict(db.execute("select model_id, sample_weight from base.panel").fetchall())
            assert scope_of(db, WEEK) == SAMPLE.scope(MODELS)
            to_read = frame(db, "pending/cards", snapshot=WEEK)["model_id"].to_list()
    assert weights == expected()
    assert sorted(to_read) == sorted(weights)


def test_parts_of_earlier_versions_land_with_what_their_words_say(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    words = {
        date(2026, 1, 5): Selection(2, "likes", ("gguf", "de"), "ada"),
        date(2026, 1, 12): Selection(),
        date(2026, 1, 19): Selection(models=("a/b", "c/d")),
        date(2026, 1, 26): Selection(5, author="ada"),
    }
    for week, selection in words.items():
        path = lake.path(f"snapshots/{week}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        began = datetime(2026, 1, 5, 6)
        row = {
            "hub": "x",
            "selection": selection.describe(),
            "listed": 9,
            "started_at": began,
            "finished_at": began,
        }
        pl.DataFrame({"snapshot": [week], **{name: [value] for name, value in row.items()}}).write_parquet(
            path
        )
    listed = read_row({"id": "a/b", "sha": "f" * 40}, snapshot=WEEK)
    lake.write(f"listing/{WEEK}/page-00000.parquet", ListedModel, [listed])
    (old := lake.path("listing/2026-01-05/page-00000.parquet")).parent.mkdir()
    pl.read_parquet(lake.path(f"listing/{WEEK}/page-00000.parquet")).drop("sample_weight").with_columns(
        pl.lit(date(2026, 1, 5)).alias("snapshot")
    ).write_parquet(old)
    warehouse = Warehouse(tmp_path)
    with warehouse.writer():
        warehouse.begin()
        with warehouse.open() as db:
            for week, selection in words.items():
                assert scope_of(db, week) == selection.scope(9)
            assert db.execute("select count(*), count(sample_weight) from base.listing").fetchall() == [
                (2, 0)
            ]
