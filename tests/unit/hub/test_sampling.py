"""The sampler: the same models in whatever order and pages, in proportion to strata, and mostly the same next week."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.hub.sampling import (
    STRATA,
    Reservoir,
    allocate,
    drawn_failures,
    kept_rows,
    number_of,
    stratum_of,
)
from tasks.records import Failure

Listing = dict[str, int | None]  # downloads by id

listings: st.SearchStrategy[Listing] = st.dictionaries(
    st.text("abc/", min_size=1, max_size=8),
    st.none() | st.integers(0, 3) | st.integers(0, 10**8),
    min_size=1,
    max_size=60,
)
sizes = st.dictionaries(st.integers(0, STRATA - 1), st.integers(0, 10**6), min_size=1)


def hub(models: int, seed: int = 3) -> Listing:
    """Downloads as skewed as those of the Hub: a third has none, one in a hundred has thousands."""
    rng = random.Random(seed)
    return {f"owner-{n % 97}/model-{n}": int(rng.paretovariate(0.7) - 1.6) for n in range(models)}


def drawn(listing: Listing, n: int, seed: int = 1) -> dict[str, float]:
    reservoir = Reservoir(n, seed)
    for model_id, downloads in listing.items():
        reservoir.offer(model_id, downloads)
    return reservoir.draw()


@given(listings, st.integers(1, 70), st.randoms(use_true_random=False), st.integers(0, 60))
def test_any_order_and_any_interruption_give_the_same_sample(
    listing: Listing, n: int, shuffler: random.Random, stopped_at: int
) -> None:
    rows = list(listing.items())
    shuffler.shuffle(rows)
    first, second = Reservoir(n, 1), Reservoir(n, 1)
    held = [row for row in rows[:stopped_at] if first.offer(*row)]
    second.restore(row for row in held if first.holds(row[0]))
    second.sizes.update(first.sizes)
    for row in rows[stopped_at:]:
        second.offer(*row)
    assert second.draw() == drawn(listing, n)


@given(listings, st.integers(STRATA, 70))
def test_a_sample_has_its_size_and_stands_for_the_whole_listing(listing: Listing, n: int) -> None:
    weights = drawn(listing, n)
    assert len(weights) == min(n, len(listing))
    assert weights.keys() <= listing.keys()
    assert sum(weights.values()) == pytest.approx(len(listing))
    if n >= len(listing):
        assert set(weights.values()) == {1.0}


@given(sizes, st.integers(1, 10**6))
def test_an_allocation_adds_up_and_follows_the_sizes(sizes: dict[int, int], n: int) -> None:
    given_, total = allocate(sizes, n), sum(sizes.values())
    assert sum(given_.values()) == min(n, total)
    assert all(1 <= models <= sizes[stratum] for stratum, models in given_.items())
    strata = [stratum for stratum, size in sizes.items() if size]
    if n >= len(strata):
        assert sorted(given_) == sorted(strata)  # every model can be drawn
        shares = {stratum: min(n, total) * sizes[stratum] / total for stratum in strata}
        assert all(abs(given_[s] - shares[s]) < len(strata) for s in strata)
    else:
        assert min(sizes[s] for s in given_) >= max(sizes[s] for s in strata if s not in given_)


def test_a_stratum_below_one_model_gives_one_all_the_same() -> None:
    assert allocate({0: 1_500_000, 2: 999_700, 7: 300}, 3000) == {7: 1, 0: 1800, 2: 1199}


def test_every_order_of_magnitude_is_a_stratum() -> None:
    downloads = [None, 0, 1, 9, 10, 99, 100, 10**6, 10**7, 10**9]
    assert [stratum_of(n) for n in downloads] == [0, 0, 1, 1, 2, 2, 3, 7, 8, 8]


def test_the_number_of_a_model_is_pinned_because_a_panel_depends_on_it() -> None:
    assert number_of("ada/one", 1) == 16109790388687914726
    assert number_of("ada/one", 2) != number_of("ada/one", 1)


def test_a_sample_is_self_weighting_and_keeps_the_popular() -> None:
    listing = hub(30_000)
    weights = drawn(listing, 3000)
    assert set(Counter(map(stratum_of, listing.values()))) == {stratum_of(listing[m]) for m in weights}
    usual = [weight for weight in weights.values() if 9.5 < weight < 10.5]
    assert len(usual) > 2950


def test_the_mean_over_many_seeds_is_that_of_the_listing() -> None:
    listing = hub(2000)
    liked = {model: n % 3 for n, model in enumerate(listing)}
    means = [
        sum(liked[m] * w for m, w in drawn(listing, 100, seed).items()) / len(listing) for seed in range(200)
    ]
    assert sum(means) / len(means) == pytest.approx(sum(liked.values()) / len(liked), abs=0.02)


def test_next_week_keeps_most_of_the_models() -> None:
    this_week = hub(20_000)
    rng = random.Random(5)
    next_week: Listing = {
        m: round((d or 0) * rng.uniform(0.5, 2)) for m, d in this_week.items() if rng.random() > 0.01
    }
    next_week |= {f"new/{n}": 0 for n in range(400)}
    before, after = drawn(this_week, 1000), drawn(next_week, 1000)
    assert len(before.keys() & after.keys()) > 930
    assert len(before.keys() & drawn(this_week, 1000, seed=2).keys()) < 100


def test_another_model_displaces_one_at_most_in_each_stratum() -> None:
    listing = hub(5000)
    before = drawn(listing, 200)
    for n in range(50):
        after = drawn(listing | {f"new/{n}": n}, 200)
        assert len(before.keys() - after.keys()) <= 2


def test_a_model_that_is_listed_twice_counts_once() -> None:
    reservoir = Reservoir(5, 1)
    for _ in range(2):
        reservoir.offer("ada/one", 10)
    assert reservoir.draw() == {"ada/one": 1.0}


def test_the_reservoir_is_bounded_however_long_the_listing_is() -> None:
    listing = hub(20_000)
    reservoir = Reservoir(50, 1)
    entered = sum(reservoir.offer(model, downloads) for model, downloads in listing.items())
    assert sum(reservoir.holds(model) for model in listing) <= 50 * STRATA
    assert entered <= kept_rows(50, 20_000)


def test_unreadable_rows_fail_at_the_rate_of_the_draw() -> None:
    failures = [Failure(date(2026, 1, 5), f"ada/{n}", "list", "malformed_row", "") for n in range(4000)]
    assert 350 < len(drawn_failures(failures, 1000, 10_000, 1)) < 450
    assert drawn_failures(failures, 10_000, 10_000, 1) == failures
