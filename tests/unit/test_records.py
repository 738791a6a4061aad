"""Selections: the same words exactly when the same models are meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.records import Selection, Sort

selections = st.builds(
    Selection,
    limit=st.none() | st.integers(1, 20),
    sort=st.sampled_from(Sort.__args__),  # type: ignore[attr-defined]  # a Literal's values
    filters=st.lists(st.sampled_from(["gguf", "de", "mit"]), unique=True, max_size=2).map(tuple),
    author=st.none() | st.sampled_from(["ada", "bob"]),
) | st.builds(Selection, models=st.lists(st.sampled_from("abcdef"), min_size=1, unique=True).map(tuple))


@given(selections, selections)
def test_two_selections_are_the_same_exactly_when_they_are_told_in_the_same_words(
    one: Selection, other: Selection
) -> None:
    # Without a limit every model is taken, in whatever order.
    plain = [
        s if s.limit or s.models else Selection(None, "downloads", s.filters, s.author) for s in (one, other)
    ]
    assert (one.describe() == other.describe()) == (plain[0] == plain[1])
