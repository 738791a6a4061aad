"""Private models, which a token may see: left out and counted, or read where that is asked for. Over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import RepositoryNotFoundError

from tasks.hub.client import Hub, Page, leave_hubs
from tasks.hub.listing import is_private
from tasks.hub.source import Source
from tasks.hub.steps import list_models
from tasks.records import Scope, Selection
from tasks.replica.corpus import write_corpus
from tasks.replica.process import running_replica
from tasks.sentences.scopes import private_sentence, private_words
from tasks.storage.warehouse import scope_of
from tasks.work.run import Run

WEEK = date(2026, 11, 16)
TOKEN = "hf_of_this_test"
MODELS = 30
PRIVATE = [f"ada/secret-{n:02}" for n in range(0, MODELS, 3)]  # a third, the most downloaded one among them
PUBLIC = [f"ada/open-{n:02}" for n in range(MODELS) if n % 3]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    rows = [
        {
            "model_id": f"ada/{'open' if n % 3 else 'secret'}-{n:02}",
            "card_text": f"# Model {n}",
            "downloads": 1000 - n,
            "likes": n,
            "tags": [],
            "last_modified": f"2026-01-{1 + n % 28:02}",
            "is_private": n % 3 == 0,
            "renamed_from": [f"ada/old-{n:02}"],
        }
        for n in range(MODELS)
    ]
    write_corpus(path, rows)
    with running_replica(path, plan="enterprise-plus") as served:
        yield served


@pytest.fixture(autouse=True)
def with_token(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A token that may see private models, and seven rows per page."""
    leave_hubs()
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", url)
    monkeypatch.setattr("tasks.hub.client._PAGE_ROWS", 7)
    monkeypatch.setattr("tasks.hub.walking._PAGES_PER_WALK_PART", 2)
    yield
    leave_hubs()


def walked(url: str, home: Path, selection: Selection) -> tuple[list[str], Scope]:
    """The models of a snapshot as published, and its scope."""
    run = Run(home, WEEK)
    list_models.fn(run, Source(url, "a replica"), selection)
    with run.warehouse.writer():
        run.warehouse.begin()
        with run.warehouse.open() as db:
            models = db.execute("select model_id from base.listing order by downloads desc").fetchall()
            return [model_id for (model_id,) in models], scope_of(db, WEEK)


def test_the_client_of_the_hub_sees_them_with_a_token_alone(url: str, tmp_path: Path) -> None:
    with_token, without = HfApi(endpoint=url, token=TOKEN), HfApi(endpoint=url, token=False)
    assert [m.id for m in without.list_models(sort="downloads")] == PUBLIC
    listed = list(with_token.list_models(sort="downloads"))
    assert {m.id for m in listed if m.private} == set(PRIVATE)
    assert len(listed) == MODELS
    assert with_token.model_info(PRIVATE[0]).private
    for name in (PRIVATE[0], "ada/old-00"):
        with pytest.raises(RepositoryNotFoundError):
            without.model_info(name)
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download(name, "README.md", endpoint=url, cache_dir=tmp_path, token=False)
        assert hf_hub_download(name, "README.md", endpoint=url, cache_dir=tmp_path, token=TOKEN)


def test_they_are_left_out_and_counted_and_named_nowhere(url: str, tmp_path: Path) -> None:
    models, scope = walked(url, tmp_path, Selection())
    assert models == PUBLIC
    assert (scope.listed, scope.private_left_out, scope.has_private) == (20, 10, False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"secret" in path.read_bytes() for path in files)


def test_they_are_read_where_that_is_asked_for(url: str, tmp_path: Path) -> None:
    models, scope = walked(url, tmp_path, Selection(include_private=True))
    assert set(models) == {*PUBLIC, *PRIVATE}
    assert (scope.listed, scope.private_left_out, scope.has_private) == (30, 0, True)


def test_a_top_n_has_n_models_that_anybody_may_see(url: str, tmp_path: Path) -> None:
    models, scope = walked(url, tmp_path, Selection(limit=9))
    assert models == PUBLIC[:9]
    assert (scope.top_n, scope.listed, scope.private_left_out) == (9, 9, 5)
    assert scope.is_top


def test_a_sample_is_drawn_from_the_others(url: str, tmp_path: Path) -> None:
    models, scope = walked(url, tmp_path, Selection(sample=10))
    assert len(models) == 10
    assert set(models) <= set(PUBLIC)
    assert (scope.listed, scope.private_left_out) == (20, 10)


@pytest.mark.parametrize("include", [False, True])
def test_naming_one_is_not_asking_for_private_ones(url: str, tmp_path: Path, include: bool) -> None:
    names = (PRIVATE[0], PUBLIC[0], "ada/absent")
    models, scope = walked(url, tmp_path, Selection(models=names, include_private=include))
    assert models == ([PRIVATE[0], PUBLIC[0]] if include else [PUBLIC[0]])
    assert scope.private_left_out == (0 if include else 1)


@pytest.mark.parametrize("selection", [Selection(), Selection(sample=10)], ids=["whole", "sample"])
def test_a_run_that_was_killed_counts_each_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    read, requested = Hub.page, 0

    def killed_after_three(hub: Hub, address: str) -> Page:
        nonlocal requested
        requested += 1
        if requested == 4:
            raise KeyboardInterrupt
        return read(hub, address)

    with monkeypatch.context() as patch:
        patch.setattr(Hub, "page", killed_after_three)
        with pytest.raises(KeyboardInterrupt):
            list_models.fn(Run(tmp_path, WEEK), Source(url, "a replica"), selection)
    _, scope = walked(url, tmp_path, selection)
    assert (scope.listed, scope.private_left_out) == (20, 10)


@pytest.mark.parametrize(
    ("row", "private"),
    [
        ({}, False),
        ({"private": False}, False),
        ({"private": None}, False),
        ({"private": True}, True),
        ({"private": "yes"}, True),
        ({"private": 1}, True),
        ("no row", False),
    ],
)
def test_what_is_no_flag_counts_as_private(row: object, private: bool) -> None:
    assert is_private(row) == private


def test_two_selections_that_differ_in_it_have_two_names() -> None:
    for selection in (Selection(), Selection(limit=5), Selection(sample=5), Selection(models=("a/b",))):
        with_private = Selection(
            selection.limit, models=selection.models, sample=selection.sample, include_private=True
        )
        assert with_private.describe() == f"{selection.describe()}, private ones too"


def test_what_is_said_of_them() -> None:
    assert private_words(0, has_private=False) == ""
    assert private_words(0, has_private=True) == "private models included"
    assert private_words(1, has_private=False).startswith("1 model left out")
    assert "--include-private" in private_words(12, has_private=False)
    assert "--include-private" in private_sentence(Selection())
    assert "read and shown" in private_sentence(Selection(include_private=True))
