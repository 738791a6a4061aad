"""A small published home: one snapshot of demo cards, judged by the checklist, written as a run would leave it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from tasks.demo import write_demo_corpus
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardRead, CardText, JudgeRecord, ListedModel, Verdict
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse

WEEK = date(2026, 11, 16)
NOW = datetime(2026, 11, 16, 12)

MakeHome = Callable[..., Path]


@pytest.fixture(scope="session")
def demo_cards(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Model ids and card texts of a demo corpus, as invented; about 100."""
    path = tmp_path_factory.mktemp("corpus") / "demo.parquet"
    write_demo_corpus(path, models=130, weeks=1, seed=3, end=WEEK)
    rows = pl.read_parquet(path).filter(pl.col("card_text").str.len_chars() > 0)
    return list(rows.select("model_id", "card_text").iter_rows())


@pytest.fixture(scope="session")
def demo_texts(demo_cards: list[tuple[str, str]]) -> list[CardText]:
    """Their texts, each once."""
    return list({text: CardText(_hash(text), text) for _, text in demo_cards}.values())


@pytest.fixture
def make_home(tmp_path: Path, demo_cards: list[tuple[str, str]]) -> MakeHome:
    """`make_home(is_judged=True)`: a home with the demo cards in a published warehouse."""

    def make(*, is_judged: bool = True, cards: list[tuple[str, str]] | None = None) -> Path:
        home = tmp_path / "home"
        warehouse = Warehouse(home)
        _crawled(warehouse.lake, demo_cards if cards is None else cards)
        if is_judged:
            _judged(warehouse.lake, demo_cards if cards is None else cards)
        with warehouse.writer():
            warehouse.begin()
            warehouse.publish()
        return home

    return make


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _crawled(lake: Lake, cards: list[tuple[str, str]]) -> None:
    listed = [_listed(model_id) for model_id, _ in cards]
    reads = [
        CardRead(WEEK, model_id, _sha(model_id), "card", "e", _hash(text), text, read_at=NOW)
        for model_id, text in cards
    ]
    lake.write(f"listing/{WEEK}/page-00000.parquet", ListedModel, listed)
    record = SnapshotRecord(WEEK, "demo", "all models", len(cards), NOW, NOW)
    lake.write(f"snapshots/{WEEK}.parquet", SnapshotRecord, [record])
    lake.write(f"cards/{WEEK}/part.parquet", CardRead, reads)


def _judged(lake: Lake, cards: list[tuple[str, str]]) -> None:
    judge = ChecklistJudge()
    texts = {_hash(text): CardText(_hash(text), text) for _, text in cards}
    lake.write(f"judges/{WEEK}-{judge.fingerprint}.parquet", JudgeRecord, [judge.record(WEEK, NOW)])
    lake.write(f"verdicts/{judge.fingerprint}/part.parquet", Verdict, list(judge.score(texts.values())))


def _sha(model_id: str) -> str:
    return hashlib.sha256(model_id.encode()).hexdigest()[:40]


def _listed(model_id: str) -> ListedModel:
    return ListedModel(
        snapshot=WEEK,
        model_id=model_id,
        author=model_id.rpartition("/")[0] or None,
        sha=_sha(model_id),
        created_at=NOW,
        last_modified=NOW,
        downloads=7,
        downloads_all_time=7,
        likes=1,
        trending_score=None,
        tags=[],
        library_name=None,
        pipeline_tag=None,
        gated=None,
        has_readme=True,
        parameters=None,
        base_models=[],
    )
