"""Rows of the listing: whatever the Hub sends, it becomes a model or a failure, and the walk continues."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.hub.listing import RowMalformed, is_model_id, read_row, read_rows
from tasks.records import ListedModel

TODAY = date(2026, 11, 16)
ROW = {
    "id": "ada/one",
    "sha": "a" * 40,
    "author": "ada",
    "createdAt": "2026-01-02T03:04:05.000Z",
    "lastModified": "2026-02-03T04:05:06.000Z",
    "downloads": 12,
    "downloadsAllTime": 345,
    "likes": 6,
    "trendingScore": 7,
    "tags": ["gguf", "license:mit"],
    "library_name": "gguf",
    "pipeline_tag": "text-generation",
    "gated": False,
    "siblings": [{"rfilename": "README.md"}, {"rfilename": "config.json"}],
    "gguf": {"total": 7_000_000_000},
    "baseModels": {"relation": "quantized", "models": [{"_id": "x", "id": "lab/base"}]},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def test_a_row_becomes_a_record_with_times_in_utc() -> None:
    model = read_row(ROW, snapshot=TODAY)
    assert model == ListedModel(
        snapshot=TODAY,
        model_id="ada/one",
        author="ada",
        sha="a" * 40,
        created_at=datetime(2026, 1, 2, 3, 4, 5),
        last_modified=datetime(2026, 2, 3, 4, 5, 6),
        downloads=12,
        downloads_all_time=345,
        likes=6,
        trending_score=7.0,
        tags=["gguf", "license:mit"],
        library_name="gguf",
        pipeline_tag="text-generation",
        gated=None,
        has_readme=True,
        parameters=7_000_000_000,
        base_models=["lab/base"],
    )


def test_a_model_without_a_readme_among_its_files_has_none() -> None:
    assert not read_row({**ROW, "siblings": [{"rfilename": "config.json"}]}, snapshot=TODAY).has_readme


def test_where_a_listing_names_no_files_the_readme_is_requested() -> None:
    assert read_row({**ROW, "siblings": None}, snapshot=TODAY).has_readme


@pytest.mark.parametrize(
    "odd",
    [
        {"tags": 5},
        {"tags": ["fine", None]},
        {"downloads": "12"},
        {"downloads": -1},
        {"likes": True},
        {"sha": None},
        {"sha": "main"},
        {"id": "../../etc/passwd"},
        {"id": "ada/.."},
        {"id": "a b/c"},
        {"id": 7},
        {"lastModified": "yesterday"},
        {"library_name": ["transformers"]},
    ],
)
def test_one_bad_row_is_a_failure_and_the_others_are_models(odd: dict[str, object]) -> None:
    models, failures = read_rows([ROW, {**ROW, **odd}], snapshot=TODAY, place="listing page 3")
    assert [model.model_id for model in models] == ["ada/one"]
    assert [(failure.stage, failure.reason) for failure in failures] == [("list", "malformed_row")]


def test_a_row_without_a_name_is_identified_by_its_place() -> None:
    _, failures = read_rows([None, []], snapshot=TODAY, place="listing page 3")
    assert [failure.subject for failure in failures] == ["listing page 3, row 1", "listing page 3, row 2"]


@given(st.lists(json_values | st.fixed_dictionaries({}, optional=dict.fromkeys(ROW, json_values))))
def test_any_json_splits_into_models_and_failures(rows: list[object]) -> None:
    models, failures = read_rows(rows, snapshot=TODAY, place="page")
    assert len(models) + len(failures) == len(rows)


@given(st.sampled_from(sorted(ROW)), json_values)
def test_any_value_in_any_field_is_a_record_or_a_reason(key: str, value: object) -> None:
    try:
        model = read_row({**ROW, key: value}, snapshot=TODAY)
    except RowMalformed as error:
        assert str(error)
    else:
        assert is_model_id(model.model_id)
