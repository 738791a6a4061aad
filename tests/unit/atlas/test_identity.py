"""Kinds keep their identity when the atlas is fitted anew, and their place on it."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.atlas.identity import KindOfText, Matching, Positions, align, match
from tasks.records import KindEvent

WEEK = date(2026, 1, 5)

texts = st.sampled_from([f"t{n}" for n in range(14)])
clusterings = st.dictionaries(texts, st.none() | st.integers(0, 5), max_size=14)


def clusters(**sizes: str) -> dict[str, int | None]:
    """`k3="abc"`: the texts a, b and c lie in 3; `none="d"`: d in no kind."""
    return {
        text: None if name == "none" else int(name[1:]) for name, members in sizes.items() for text in members
    }


def matched(old: KindOfText, new: KindOfText, highest: int = 9) -> Matching:
    return match(old, new, highest, WEEK)


def rows(matching: Matching) -> list[tuple[object, ...]]:
    return [(e.event, e.kind, e.other, e.texts, round(e.texts_share, 3)) for e in matching.events]


def test_a_kind_with_another_number_and_a_few_other_texts_continues() -> None:
    found = matched(clusters(k4="abcdef", k7="ghij"), clusters(k0="ghijk", k1="abcde", none="f"))
    assert found.ids == {0: 7, 1: 4}
    assert rows(found) == [("continues", 4, None, 5, 0.833), ("continues", 7, None, 5, 1.0)]
    assert found.highest == 9
    assert {event.snapshot for event in found.events} == {WEEK}


def test_texts_that_only_one_atlas_knows_do_not_count_against_a_kind() -> None:
    found = matched(clusters(k1="abcUVWXYZ"), clusters(k0="abcdefghijk"))
    assert found.ids == {0: 1}
    assert rows(found) == [("continues", 1, None, 11, 1.0)]


def test_a_cluster_that_shares_too_little_is_born_and_the_old_kind_dies() -> None:
    found = matched(clusters(k1="abcdef", k2="ghijkl"), clusters(k0="abcgh", k1="xy", none="defijkl"))
    assert found.ids == {0: 1, 1: 10}
    assert ("birth", 10, None, 2, 1.0) in rows(found)
    assert ("death", 2, None, 6, 0.667) in rows(found)
    assert found.highest == 10


@pytest.mark.parametrize(("shared", "is_same"), [(3, True), (2, False)])
def test_a_jaccard_index_of_three_tenths_is_the_same_kind(shared: int, *, is_same: bool) -> None:
    members = "abcdefghij"
    old = dict.fromkeys(members[: 10 - 3 + shared], 1) | dict.fromkeys(members[10 - 3 + shared :])
    new = dict.fromkeys(members[: 10 - 3], None) | dict.fromkeys(members[10 - 3 :], 0)
    assert matched(old, new).ids == {0: 1 if is_same else 10}


def test_a_part_of_an_old_kind_continues_it_unless_it_is_tiny() -> None:
    letters = "abcdefghijklmnopqrst"
    old = dict.fromkeys(letters, 1)
    part = {text: 0 if text in "abc" else None for text in letters}
    crumb = {text: 0 if text == "a" else None for text in letters}
    assert matched(old, part).ids == {0: 1}
    assert matched(old, crumb).ids == {0: 10}


def test_a_kind_that_falls_apart_is_a_split_and_its_largest_part_continues() -> None:
    found = matched(clusters(k1="abcdefghij"), clusters(k0="abcdef", k1="ghij"))
    assert found.ids == {0: 1, 1: 10}
    assert rows(found) == [
        ("continues", 1, None, 6, 0.6),
        ("birth", 10, None, 4, 0.0),
        ("split", 1, 1, 6, 0.6),
        ("split", 1, 10, 4, 0.4),
    ]


def test_kinds_that_become_one_are_a_merge_under_the_larger_ones_number() -> None:
    found = matched(clusters(k1="abcdef", k2="ghij"), clusters(k0="abcdefghij"))
    assert found.ids == {0: 1}
    assert rows(found) == [
        ("continues", 1, None, 10, 0.6),
        ("death", 2, None, 4, 0.0),
        ("merge", 1, 1, 6, 0.6),
        ("merge", 1, 2, 4, 0.4),
    ]


def test_small_change_at_the_edge_is_neither_split_nor_merge() -> None:
    old, new = clusters(k1="abcdefghi", k2="jklmnopqr"), clusters(k0="abcdefghj", k1="iklmnopqr")
    assert {event.event for event in matched(old, new).events} == {"continues"}


def test_all_pairs_together_decide_and_not_the_best_pair_first() -> None:
    """The best single pair, (1, 5) at 0.5, would leave 2 without anything; both old kinds go on the other way."""
    old = clusters(k1="abcdefgh", k2="ijkl")
    new = clusters(k5="cdefghijkl", k6="ab")
    assert matched(old, new).ids == {5: 2, 6: 1}


def test_new_ids_go_to_the_larger_clusters_first() -> None:
    assert matched({}, clusters(k0="a", k1="bcd", k2="ef")).ids == {1: 10, 2: 11, 0: 12}
    assert matched({}, clusters(k0="a"), highest=-1).ids == {0: 0}


def test_an_id_in_the_old_atlas_beyond_the_highest_given_is_not_used_again() -> None:
    found = match(clusters(k20="abc"), clusters(k0="xyz"), 3, WEEK)
    assert (found.ids, found.highest) == ({0: 21}, 21)


@given(clusterings, clusterings, st.permutations(range(6)))
def test_relabelling_new_clusters_changes_nothing(old: KindOfText, new: KindOfText, other: list[int]) -> None:
    found = matched(old, new)
    again = matched(old, {text: None if c is None else other[c] + 100 for text, c in new.items()})
    assert {other[cluster] + 100: kind for cluster, kind in found.ids.items()} == again.ids
    assert found.events == again.events


@given(clusterings)
def test_identical_clusterings_only_continue(old: KindOfText) -> None:
    found = matched(old, old)
    assert all(cluster == kind for cluster, kind in found.ids.items())
    assert {event.event for event in found.events} <= {"continues"}
    assert {event.texts_share for event in found.events} <= {1.0}


@given(clusterings, clusterings, st.integers(-1, 20))
def test_every_new_cluster_has_one_id_that_no_kind_had_unless_it_is_that_kind(
    old: KindOfText, new: KindOfText, highest: int
) -> None:
    found = match(old, new, highest, WEEK)
    assert found.ids.keys() == {cluster for cluster in new.values() if cluster is not None}
    assert len(set(found.ids.values())) == len(found.ids)
    known = {kind for kind in old.values() if kind is not None}
    born = set(found.ids.values()) - known
    assert all(kind > highest and kind > max(known, default=-1) for kind in born)
    assert found.highest == max([highest, *known, *born])


@given(clusterings, clusterings)
def test_every_kind_lives_dies_or_is_born_once_and_shares_are_shares(
    old: KindOfText, new: KindOfText
) -> None:
    found = matched(old, new)
    lives = Counter(e.kind for e in found.events if e.event in ("continues", "birth", "death"))
    known = {kind for kind in old.values() if kind is not None}
    assert lives == Counter({*known, *found.ids.values()})
    assert all(0 <= event.texts_share <= 1 and event.texts >= 1 for event in found.events)
    alive = [e for e in found.events if e.event in ("continues", "birth")]
    assert sum(event.texts for event in alive) == sum(cluster is not None for cluster in new.values())
    for whole in ("split", "merge"):
        parts = Counter(e.kind for e in found.events if e.event == whole)
        assert all(n >= 2 for n in parts.values())


def test_events_are_rows() -> None:
    event = KindEvent(WEEK, "birth", 3, None, 12, 0.5)
    assert (event.kind, event.other, event.texts) == (3, None, 12)


# ------------------------------------------------------------------------------------------------ positions

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 3.0]])


@given(
    st.floats(0, 2 * math.pi),
    st.booleans(),
    st.floats(0.01, 100),
    arrays(np.float64, 2, elements=st.floats(-1e3, 1e3)),
    arrays(np.float64, st.tuples(st.integers(0, 9), st.just(2)), elements=st.floats(-1e3, 1e3)),
)
def test_whatever_was_turned_mirrored_scaled_and_moved_comes_back(
    angle: float, is_mirrored: bool, scale: float, shift: Positions, rest: Positions
) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if is_mirrored:
        turn = turn @ np.diag([1.0, -1.0])

    def moved(points: Positions) -> Positions:
        return np.asarray(points @ turn * scale + shift)

    found = align(SQUARE, moved(SQUARE), moved(rest))
    assert found.shape == rest.shape
    assert np.allclose(found, rest, atol=1e-6)


def test_no_other_turn_scale_or_move_brings_noisy_positions_closer() -> None:
    rng = np.random.default_rng(3)
    old = rng.normal(size=(50, 2))
    new = old @ np.array([[0.0, -3.0], [3.0, 0.0]]) + 7 + rng.normal(size=(50, 2))
    best = ((align(old, new, new) - old) ** 2).sum()
    centre = old.mean(axis=0)
    for scale, angle, shift in ((1.02, 0, 0), (0.98, 0, 0), (1, 0.03, 0), (1, -0.03, 0), (1, 0, 0.03)):
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        other = (align(old, new, new) - centre) @ turn * scale + centre + shift
        assert ((other - old) ** 2).sum() > best


def test_with_one_shared_text_or_one_place_the_rest_is_only_moved() -> None:
    rest = np.array([[1.0, 1.0], [2.0, 5.0]])
    one = align(np.array([[3.0, 3.0]]), np.array([[1.0, 2.0]]), rest)
    assert one.tolist() == [[3.0, 2.0], [4.0, 6.0]]
    place = np.full((4, 2), 0.1)
    assert align(SQUARE, place, rest).tolist() == (rest - 0.1 + SQUARE.mean(axis=0)).tolist()
    assert np.allclose(align(place, SQUARE, rest), rest + 0.1 - SQUARE.mean(axis=0))
    none = np.empty((0, 2))
    assert align(none, none, rest).tolist() == rest.tolist()
    assert align(none, none, rest) is not rest


@pytest.mark.parametrize(
    ("old", "new", "rest"),
    [
        (SQUARE, SQUARE[:2], SQUARE),
        (SQUARE, SQUARE, np.zeros((3, 3))),
        (SQUARE, SQUARE, np.zeros(2)),
        (SQUARE, SQUARE, np.array([[math.nan, 0.0]])),
        (np.full((4, 2), math.inf), SQUARE, SQUARE),
    ],
)
def test_other_shapes_and_positions_that_are_not_finite_are_refused(
    old: Positions, new: Positions, rest: Positions
) -> None:
    with pytest.raises(ValueError, match=r"aligned|not finite"):
        align(old, new, rest)
