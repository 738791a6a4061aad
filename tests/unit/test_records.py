"""Selections: the same words exactly when the same models are meant."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records import Scope, Selection, Sort
from tasks.storage.lake import SnapshotRecord

selections = (
    st.builds(
        Selection,
        limit=st.none() | st.integers(1, 20),
        sort=st.sampled_from(Sort.__args__),  # type: ignore[attr-defined]  # a Literal's values
        filters=st.lists(st.sampled_from(["gguf", "de", "mit"]), unique=True, max_size=2).map(tuple),
        author=st.none() | st.sampled_from(["ada", "bob"]),
    )
    | st.builds(
        Selection,
        sample=st.integers(1, 20),
        sample_seed=st.integers(1, 3),
        filters=st.lists(st.sampled_from(["gguf", "de"]), unique=True, max_size=2).map(tuple),
    )
    | st.builds(Selection, models=st.lists(st.sampled_from("abcdef"), min_size=1, unique=True).map(tuple))
)


@given(selections, selections)
def test_two_selections_are_the_same_exactly_when_they_are_told_in_the_same_words(
    one: Selection, other: Selection
) -> None:
    # Without a limit every model is taken, in whatever order.
    plain = [
        s if s.limit or s.models or s.sample else Selection(None, "downloads", s.filters, s.author)
        for s in (one, other)
    ]
    assert (one.describe() == other.describe()) == (plain[0] == plain[1])


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (Selection(), "all models"),
        (Selection(1000), "top 1000 by downloads"),
        (
            Selection(10, "likes", ("gguf", "de"), "ada"),
            "top 10 by likes, filter gguf, filter de, author ada",
        ),
        (Selection(sample=3000), "a random sample of 3000, seed 1"),
        (Selection(sample=50, sample_seed=7, author="ada"), "a random sample of 50, seed 7, author ada"),
    ],
)
def test_the_words_of_a_selection_never_change_because_lakes_hold_them(
    selection: Selection, words: str
) -> None:
    assert selection.describe() == words


@pytest.mark.parametrize(
    ("selection", "listed", "outcome"),
    [
        (Selection(10), 10, "downloads"),
        (Selection(10, "likes"), 12, "likes"),
        (Selection(10), 9, None),  # the listing was shorter: nothing was left out
        (Selection(10, "created"), 10, None),
        (Selection(), 10, None),
        (Selection(sample=5), 10, None),
        (Selection(models=("ada/one",), limit=10), 10, None),
    ],
)
def test_a_top_n_by_downloads_or_likes_is_selected_on_an_outcome(
    selection: Selection, listed: int, outcome: str | None
) -> None:
    assert selection.scope(listed).selected_on == outcome


def test_the_fields_of_a_scope_are_those_of_the_snapshots_record() -> None:
    assert {field.name for field in fields(Scope)} <= {field.name for field in fields(SnapshotRecord)}
