"""The corpus format: what is accepted, what is derived, and how the rest is refused."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import CorpusInvalid
from tasks.hub.source import date_of
from tasks.replica.card_data import card_data_json
from tasks.replica.corpus import Corpus, read_corpus, snapshots_in, write_corpus
from tasks.replica.corpus_columns import COLUMNS

REAL_HUB = Path(__file__).parents[4] / "shared" / "hub" / "hub-2022-02.parquet"


def model(model_id: str = "ada/one", **columns: object) -> dict[str, object]:
    return {
        "model_id": model_id,
        "card_text": "# One",
        "downloads": 10,
        "likes": 1,
        "tags": ["pytorch"],
        "last_modified": "2026-01-01T00:00:00.000Z",
        **columns,
    }


def corpus(tmp_path: Path, *rows: dict[str, object], as_of: date | None = None) -> Corpus:
    write_corpus(tmp_path / "corpus.parquet", rows)
    return read_corpus(tmp_path / "corpus.parquet", as_of)


def sha_of(corpus: Corpus, model_id: str = "ada/one") -> str:
    return str(corpus.models["sha"][corpus.row_of[model_id]])


def listed(corpus: Corpus, model_id: str = "ada/one") -> dict[str, Any]:
    return corpus.models.row(corpus.row_of[model_id], named=True)


def test_a_missing_column_stays_unknown_or_is_derived(tmp_path: Path) -> None:
    row = listed(corpus(tmp_path, model()))
    assert row["created_at"] == row["last_modified"] == "2026-01-01T00:00:00.000Z"
    assert re.fullmatch("[0-9a-f]{40}", row["sha"])
    assert (row["author"], row["gated"], row["is_disabled"], row["base_models"]) == ("ada", None, False, [])
    assert (row["downloads_all_time"], row["trending_score"], row["parameters"]) == (None, None, None)


def test_an_undated_corpus_has_the_date_of_its_last_change(tmp_path: Path) -> None:
    rows = model(), model("ada/two", last_modified=datetime(2026, 2, 3, 4, tzinfo=UTC).isoformat())
    assert corpus(tmp_path, *rows).snapshots == (date(2026, 2, 3),)


@pytest.mark.parametrize(
    "change", [{"card_text": "# Two"}, {"last_modified": "2026-01-02"}, {"card_text": None}]
)
def test_the_derived_sha_changes_with_the_card_and_with_the_time(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    before = sha_of(corpus(tmp_path, model()))
    assert sha_of(corpus(tmp_path, model(**change))) != before
    assert sha_of(corpus(tmp_path, model(downloads=11, likes=2))) == before


def test_the_etag_is_the_name_that_git_gives_the_file(tmp_path: Path) -> None:
    expected = hashlib.sha1(b"blob 5\0# One", usedforsecurity=False).hexdigest()
    assert corpus(tmp_path, model()).etags == [expected]


def test_bytes_override_text_and_an_empty_card_is_a_card(tmp_path: Path) -> None:
    rows = model(card_bytes=b"caf\xe9"), model("ada/two", card_text=""), model("ada/three", card_text=None)
    read = corpus(tmp_path, *rows)
    assert [read.listed_card(row) for row in range(3)] == [b"caf\xe9", b"", None]
    assert read.models["has_readme"].to_list() == [True, True, False]


def test_as_of_chooses_the_latest_snapshot_not_after_it(tmp_path: Path) -> None:
    weeks = [date(2026, 1, day) for day in (5, 12, 19)]
    rows = [model(snapshot_date=week, downloads=week.day, card_text=f"# {week.day}") for week in weeks]
    for as_of, day in ((None, 19), (date(2026, 1, 18), 12), (date(2026, 1, 12), 12), (date(2030, 1, 1), 19)):
        read = corpus(tmp_path, *rows, as_of=as_of)
        assert (read.snapshot, listed(read)["downloads"]) == (date(2026, 1, day), day)
        assert read.listed_card(0) == f"# {day}".encode()


@pytest.mark.parametrize(
    "dates",
    [
        pl.Series(["2026-01-05", "2026-01-12"]),
        pl.Series(["2026-01-05T08:00:00.000Z", "2026-01-12T08:00:00+02:00"]),
        pl.Series(["2026-01-05 00:00:00", "20260112"]),
        pl.Series(["2026-01-05", "2026-01-12"], dtype=pl.Categorical),
        pl.Series([date(2026, 1, 5), date(2026, 1, 12)]),
        pl.Series([datetime(2026, 1, 5, 23), datetime(2026, 1, 12)]),
        pl.Series([datetime(2026, 1, 5), datetime(2026, 1, 12)], dtype=pl.Datetime("us", "UTC")),
    ],
    ids=lambda dates: str(dates[1]),
)
def test_the_date_of_a_snapshot_may_be_text_or_a_time(tmp_path: Path, dates: pl.Series) -> None:
    path = tmp_path / "c.parquet"
    write_corpus(path, [model(), model("ada/two")])
    pl.read_parquet(path).with_columns(dates.alias("snapshot_date")).write_parquet(path)
    assert read_corpus(path).snapshots == snapshots_in(path) == (date(2026, 1, 5), date(2026, 1, 12))
    assert date_of(str(path), tmp_path, None) == date(2026, 1, 12)
    with pytest.raises(CorpusInvalid, match="begins on 2026-01-05"):
        date_of(str(path), tmp_path, date(2026, 1, 4))


def test_a_date_that_is_none_is_named_before_anything_starts(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c.parquet", [model(snapshot_date="week 3")])
    with pytest.raises(CorpusInvalid, match="snapshot_date of 'ada/one' is 'week 3'; it must be ISO 8601"):
        date_of(str(tmp_path / "c.parquet"), tmp_path, None)


def test_earlier_commits_can_be_read_and_later_ones_not(tmp_path: Path) -> None:
    rows = [model(snapshot_date=f"2026-01-{day:02}", card_text=f"# {day}") for day in (5, 12, 19)]
    first, last = (sha_of(corpus(tmp_path, *rows, as_of=date(2026, 1, day))) for day in (5, 19))
    read = corpus(tmp_path, *rows, as_of=date(2026, 1, 12))
    assert read.card(read.revisions["ada/one", first]) == b"# 5"
    assert ("ada/one", last) not in read.revisions


def test_a_model_that_left_is_not_in_the_next_snapshot(tmp_path: Path) -> None:
    rows = model(snapshot_date="2026-01-05"), model("ada/two", snapshot_date="2026-01-12")
    assert list(corpus(tmp_path, *rows).row_of) == ["ada/two"]


def test_a_model_keeps_its_creation_date_from_week_to_week(tmp_path: Path) -> None:
    rows = [
        model(snapshot_date="2026-01-05", last_modified="2025-12-01"),
        model(snapshot_date="2026-01-12", last_modified="2026-01-10"),
    ]
    assert listed(corpus(tmp_path, *rows))["created_at"] == "2025-12-01T00:00:00.000Z"


def test_times_may_be_timestamps_with_or_without_a_zone(tmp_path: Path) -> None:
    instant = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for dtype in (pl.Datetime("us", "UTC"), pl.Datetime("ns"), pl.Datetime("ms", "Asia/Tokyo")):
        times = pl.Series("last_modified", [instant], dtype=pl.Datetime("us", "UTC"))
        zoned = (
            times.dt.convert_time_zone(dtype.time_zone)
            if dtype.time_zone
            else times.dt.replace_time_zone(None)
        )
        write_corpus(tmp_path / "text.parquet", [model()])
        frame = pl.read_parquet(tmp_path / "text.parquet").with_columns(zoned.cast(dtype))
        frame.write_parquet(tmp_path / "stamps.parquet")
        assert listed(read_corpus(tmp_path / "stamps.parquet"))["last_modified"] == "2026-01-01T12:00:00.000Z"


def test_ids_that_differ_by_case_are_two_models(tmp_path: Path) -> None:
    assert len(corpus(tmp_path, model("ada/One"), model("ada/one")).row_of) == 2


def test_base_models_come_from_the_tags_where_no_column_has_them(tmp_path: Path) -> None:
    tags = ["base_model:ada/zero", "base_model:finetune:ada/zero", "base_model:merge:eve/x"]
    read = corpus(tmp_path, model(tags=tags), model("ada/two", base_models=["bob/b"], tags=tags))
    assert read.models["base_models"].to_list() == [["ada/zero", "eve/x"], ["bob/b"]]


def test_an_old_name_leads_to_the_new_one_unless_somebody_took_it(tmp_path: Path) -> None:
    read = corpus(tmp_path, model(renamed_from=["ada/zero", "ada/two"]), model("ada/two"))
    assert read.renamed == {"ada/zero": "ada/one"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"downloads": "many"}, "downloads must be integers, and is String"),
        ({"downloads": 1.5}, "downloads must be integers, and is Float64"),
        ({"tags": "pytorch"}, "tags must be lists of text"),
        ({"is_deleted": "no"}, "is_deleted must be true or false"),
        ({"last_modified": "yesterday"}, "last_modified of 'ada/one' is 'yesterday'; it must be ISO 8601"),
        ({"last_modified": None}, "last_modified must be ISO 8601"),
        ({"sha": "main"}, "the sha 'main' is not 40"),
        ({"gated": "perhaps"}, "gated is 'perhaps'; it must be false, auto or manual"),
        ({"model_id": "a/b/c"}, "'a/b/c' is not a model id"),
        ({"model_id": ""}, "'' is not a model id"),
        ({"snapshot_date": "week 3"}, "snapshot_date of 'ada/one' is 'week 3'"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CorpusInvalid, match=re.escape(words)) as caught:
        corpus(tmp_path, model(**changes))
    assert "\n" not in str(caught.value)


def test_a_model_listed_twice_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CorpusInvalid, match=r"'ada/one' occurs twice in the snapshot of 2026-01-05"):
        corpus(
            tmp_path, *[model(snapshot_date="2026-01-05")] * 2, model("ada/two", snapshot_date="2026-01-05")
        )


def test_what_is_not_a_corpus_is_refused_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("model_id,card_text\n")
    other = tmp_path / "other.parquet"
    pl.DataFrame({"model_id": ["a"], "likes": [1]}).write_parquet(other)
    empty = tmp_path / "empty.parquet"
    pl.DataFrame(
        {c.name: [] for c in COLUMNS if c.is_required}, schema_overrides={"model_id": pl.String}
    ).cast({"last_modified": pl.String}).write_parquet(empty)
    for path, words in (
        (tmp_path / "gone.parquet", "no such file"),
        (tmp_path, "no such file"),
        (text, "not a Parquet file"),
        (other, "lacks the columns card_text, downloads, tags, library_name, pipeline_tag, last_modified"),
        (empty, "contains no models"),
    ):
        with pytest.raises(CorpusInvalid, match=words) as caught:
            read_corpus(path)
        assert "\n" not in str(caught.value)


def test_nothing_is_as_of_a_day_before_the_first_snapshot(tmp_path: Path) -> None:
    with pytest.raises(CorpusInvalid, match="nothing as of 2026-01-04; its first snapshot is 2026-01-05"):
        corpus(tmp_path, model(snapshot_date="2026-01-05"), as_of=date(2026, 1, 4))


def test_the_documentation_names_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "corpus.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert documented == [column.name for column in COLUMNS]


@pytest.mark.parametrize(
    ("front_matter", "expected"),
    [
        ("license: mit\nlanguage: no\nok: true", {"license": "mit", "language": "no", "ok": True}),
        ("date: 2026-01-01\nn: 010\nf: 1.5\nnothing:", {"date": "2026-01-01", "n": 10, "f": 1.5, "nothing": None}),
        ("2: a\ntrue: b", {"2": "a", "true": "b"}),
        ("big: 123456789012345678901234567890", {"big": 123456789012345678901234567890.0}),
        ("- a\n- b", None),
        ("tags: [a", None),
        ("\ttabs: 1", None),
        ("when: !!binary aGk=", None),
        ("x: !!python/object:os.system ls", None),
        ("a: &a [*a]", None),
        ("deep: " + "[" * 3_000 + "]" * 3_000, None),
        ("deep: " + "[" * 60 + "]" * 60, None),
        ("\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)
        ]), None),
    ],
)  # fmt: skip
def test_front_matter_is_listed_by_the_rules_of_yaml_1_2(front_matter: str, expected: object) -> None:
    found = card_data_json(f"---\n{front_matter}\n---\n# Title".encode())
    assert (orjson.loads(found) if found else None) == expected


def test_only_closed_front_matter_at_the_top_counts() -> None:
    for text in ("# Title", "---\nlicense: mit\n", "x\n---\nlicense: mit\n---\n", "", "---\n---\n"):
        assert card_data_json(text.encode()) is None
    assert card_data_json("\ufeff---\r\nlicense: mit\r\n---\r\n".encode()) == b'{"license":"mit"}'


@given(st.text(alphabet=st.sampled_from("-:[]{}&*!|>'\"#%@,?\n\t ab01.~é<"), max_size=200))
def test_any_front_matter_is_an_object_or_nothing(text: str) -> None:
    found = card_data_json(f"---\n{text}\n---\n".encode())
    assert found is None or isinstance(orjson.loads(found), dict)


@pytest.mark.real_hub
@pytest.mark.skipif(not REAL_HUB.exists(), reason="the Hub of February 2022 is not here")
def test_the_hub_of_2022_can_be_read() -> None:
    read = read_corpus(REAL_HUB)
    assert (read.models.height, read.snapshot) == (29_432, date(2022, 2, 15))
    assert read.models["downloads"].null_count() == 212
    assert read.models["has_readme"].sum() == 29_432 - 12_842
    assert read.models["author"].null_count() == 68
