from __future__ import annotations

import errno
import os
from collections import Counter
from datetime import date, timedelta
from difflib import SequenceMatcher
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from tasks.demo import DemoTruth, write_demo_corpus
from tasks.demo.archetypes import ARCHETYPES
from tasks.demo.hostile import FORMS
from tasks.errors import UsageError
from tasks.replica.corpus import read_corpus
from tasks.storage.warehouse import statement

MODELS, WEEKS = 900, 6
COLUMNS = {
    "model_id", "card_text", "downloads", "likes", "tags", "library_name", "pipeline_tag", "last_modified", "sha",
    "created_at", "gated", "downloads_all_time", "trending_score", "snapshot_date", "parameters", "base_models",
    "card_bytes", "renamed_from", "is_disabled", "is_deleted", "readme_gated",
}  # fmt: skip


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> DemoTruth:
    out = tmp_path_factory.mktemp("demo") / "hub.parquet"
    return write_demo_corpus(out, models=MODELS, weeks=WEEKS, seed=5)


@pytest.fixture(scope="module")
def rows(truth: DemoTruth) -> pl.DataFrame:
    """Corpus and truth side by side, in the order of model and week."""
    corpus, planted = pl.read_parquet(truth.corpus), pl.read_parquet(truth.truth_parquet)
    keys = ["model_id", "snapshot_date"]
    return corpus.join(planted, on=keys, validate="1:1", suffix="_planted").sort(keys)


@pytest.fixture(scope="module")
def last(rows: pl.DataFrame, truth: DemoTruth) -> pl.DataFrame:
    return rows.filter(pl.col("snapshot_date") == truth.end)


def around_edit(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """One row a model with an edit of this kind: sha, card and level in the week before, and in its week."""
    edited = rows.filter(pl.col("edit_kind") == kind)
    wanted = ["model_id", "sha", "card_text", "documentation"]
    before = edited.filter(pl.col("week") == pl.col("edit_week") - 1).select(wanted)
    return before.join(
        edited.filter(pl.col("week") == pl.col("edit_week")).select(wanted), on="model_id", suffix="_after"
    )


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_demo_corpus(tmp_path / "a.parquet", models=60, weeks=3, seed=1)
    again = write_demo_corpus(tmp_path / "b.parquet", models=60, weeks=3, seed=1)
    other = write_demo_corpus(tmp_path / "c.parquet", models=60, weeks=3, seed=2)
    assert first.corpus.read_bytes() == again.corpus.read_bytes()
    assert first.truth_parquet.read_bytes() == again.truth_parquet.read_bytes()
    assert first.truth_json.read_bytes() == again.truth_json.read_bytes()
    assert first.corpus.read_bytes() != other.corpus.read_bytes()


def test_the_columns_are_those_of_the_corpus_format(truth: DemoTruth) -> None:
    assert set(pq.read_schema(truth.corpus).names) == COLUMNS


def test_the_replica_serves_it(truth: DemoTruth) -> None:
    corpus = read_corpus(truth.corpus)
    assert len(corpus.snapshots) == WEEKS
    assert corpus.models.height == MODELS


def test_snapshots_are_a_week_apart_and_end_on_a_fixed_monday(rows: pl.DataFrame, truth: DemoTruth) -> None:
    dates = rows["snapshot_date"].unique().sort().to_list()
    assert dates == [date(2026, 11, 16) - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    assert truth.end == dates[-1]
    assert dates[-1].weekday() == 0


def test_the_end_can_be_chosen(tmp_path: Path) -> None:
    truth = write_demo_corpus(tmp_path / "a.parquet", models=20, weeks=2, seed=1, end=date(2025, 3, 4))
    assert pl.read_parquet(truth.corpus)["snapshot_date"].unique().sort().to_list() == [
        date(2025, 2, 25),
        date(2025, 3, 4),
    ]


def test_every_model_is_there_at_the_end_and_stays_once_it_exists(
    rows: pl.DataFrame, last: pl.DataFrame
) -> None:
    assert last.height == last["model_id"].n_unique() == MODELS
    weeks = rows.group_by("model_id").agg(first=pl.col("week").min(), n=pl.len())
    assert (weeks["first"] + weeks["n"] == WEEKS).all()
    newcomers = weeks.filter(pl.col("first") > 0).height
    assert 0 < newcomers < 0.15 * MODELS


def test_nothing_is_dated_after_its_snapshot(rows: pl.DataFrame) -> None:
    assert (rows["last_modified"].dt.date() <= rows["snapshot_date"]).all()
    assert (rows["created_at"] <= rows["last_modified"]).all()


def test_totals_never_fall_and_cover_the_last_thirty_days(rows: pl.DataFrame) -> None:
    steps = rows.select(pl.col("likes", "downloads_all_time").diff().over("model_id")).drop_nulls()
    assert (steps.to_numpy() >= 0).all()
    assert (rows["downloads"] <= rows["downloads_all_time"]).all()


def test_archetypes_have_their_shares_and_the_truth_counts_them(last: pl.DataFrame, truth: DemoTruth) -> None:
    counted = dict(last["archetype"].value_counts().iter_rows())
    assert counted == truth.archetype_counts
    for archetype in ARCHETYPES:
        assert counted[archetype.name] / MODELS == pytest.approx(archetype.share, abs=0.02)


def test_from_three_hundred_models_on_every_hostile_form_and_failure_is_there(tmp_path: Path) -> None:
    truth = write_demo_corpus(tmp_path / "a.parquet", models=300, weeks=1, seed=3)
    corpus = pl.read_parquet(truth.corpus)
    assert set(truth.hostile_counts) == set(FORMS)
    for flag in ("is_disabled", "is_deleted", "readme_gated"):
        assert 1 <= corpus[flag].sum() <= 5
    assert 1 <= corpus.filter(pl.col("renamed_from").list.len() > 0).height <= 5
    assert corpus.filter(pl.col("card_bytes").is_not_null()).height >= 2
    assert sum(truth.archetype_counts.values()) == 300


@pytest.mark.parametrize(("models", "weeks"), [(20, 1), (21, 2), (37, 3)])
def test_small_corpora_are_made_too(tmp_path: Path, models: int, weeks: int) -> None:
    truth = write_demo_corpus(tmp_path / "a.parquet", models=models, weeks=weeks, seed=9)
    assert pl.read_parquet(truth.corpus).filter(pl.col("snapshot_date") == truth.end).height == models


def test_a_documentation_edit_gives_a_new_commit_and_a_better_card(rows: pl.DataFrame) -> None:
    edits = around_edit(rows, "documentation")
    assert edits.height > 0.06 * MODELS
    assert (edits["sha"] != edits["sha_after"]).all()
    assert (edits["documentation_after"] - edits["documentation"] >= 1 - 1e-9).all()
    longer = edits["card_text_after"].str.len_chars() > edits["card_text"].str.len_chars()
    assert longer.mean() == pytest.approx(1, abs=0.02)


def test_a_placebo_edit_gives_a_new_commit_and_nearly_the_same_card(rows: pl.DataFrame) -> None:
    edits = around_edit(rows, "placebo")
    assert edits.height > 20
    assert (edits["sha"] != edits["sha_after"]).all()
    assert (edits["documentation_after"] == edits["documentation"]).all()
    for before, after in zip(edits["card_text"], edits["card_text_after"], strict=True):
        assert before != after
        assert abs(len(before) - len(after)) <= 3
        assert SequenceMatcher(None, before[-400:], after[-400:], autojunk=False).ratio() > 0.9


def test_a_commit_to_other_files_leaves_the_card_alone(rows: pl.DataFrame) -> None:
    edits = around_edit(rows, "files")
    assert edits.height > 5
    assert (edits["sha"] != edits["sha_after"]).all()
    assert edits["card_text"].eq_missing(edits["card_text_after"]).all()


def test_a_repository_without_an_edit_never_changes(rows: pl.DataFrame) -> None:
    still = (
        rows.filter(pl.col("edit_kind").is_null())
        .group_by("model_id")
        .agg(pl.col("sha", "card_text").n_unique())
    )
    assert still.select(pl.col("sha", "card_text").max()).row(0) == (1, 1)


def test_edits_are_staggered_over_the_weeks_and_marked_in_the_truth(rows: pl.DataFrame) -> None:
    marked = rows.filter(pl.col("edited_this_week"))
    assert marked["week"].unique().sort().to_list() == list(range(1, WEEKS))
    assert (marked["week"] == marked["edit_week"]).all()
    assert set(marked["edit_kind"]) == {"documentation", "placebo"}


def test_the_planted_format_is_the_one_that_the_warehouse_sees(last: pl.DataFrame) -> None:
    with duckdb.connect() as db:
        db.execute(statement("schema"))
        db.register("listed", last.select("model_id", "tags", "library_name", "model_format").to_arrow())
        seen = db.execute(
            "select model_id, model_format, model_format(model_id, tags, library_name) as seen "
            "from listed where model_format <> seen"
        ).fetchall()
    assert seen == []


def test_cards_that_are_not_utf_8_carry_their_bytes(last: pl.DataFrame) -> None:
    odd = dict(
        last.filter(pl.col("card_bytes").is_not_null()).select("hostile_form", "card_bytes").iter_rows()
    )
    assert set(odd) == {"latin_1", "utf_16"}
    assert odd["utf_16"].startswith(b"\xff\xfe")
    with pytest.raises(UnicodeDecodeError):
        odd["latin_1"].decode()


def test_a_few_converters_own_many_models(last: pl.DataFrame) -> None:
    owners = Counter(last.filter(pl.col("archetype") == "gguf")["author"])
    assert sum(owned for _, owned in owners.most_common(3)) > 0.4 * owners.total()


def test_model_ids_differ_by_more_than_capitals(last: pl.DataFrame) -> None:
    assert last["model_id"].str.to_lowercase().n_unique() == MODELS


@pytest.mark.parametrize(
    ("name", "models", "weeks", "word"),
    [
        ("no/such/folder/hub.parquet", 20, 1, "does not exist"),
        ("hub.parquet", 19, 1, "too few"),
        ("hub.parquet", 20, 0, "out of range"),
        ("taken", 20, 1, "is a folder"),
        (f"{'x' * 244}.parquet", 20, 1, "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_a_usage_error_and_leaves_nothing(
    tmp_path: Path, name: str, models: int, weeks: int, word: str
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UsageError, match=word):
        write_demo_corpus(tmp_path / name, models=models, weeks=weeks, seed=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_usage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        write_demo_corpus(tmp_path / "hub.parquet", models=20, weeks=1, seed=1)


def test_a_disk_that_fills_up_leaves_the_old_corpus_and_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "hub.parquet"
    truth = write_demo_corpus(out, models=20, weeks=1, seed=1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(UsageError, match="No space left"):
        write_demo_corpus(out, models=30, weeks=1, seed=2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {truth.corpus, truth.truth_json, truth.truth_parquet}
