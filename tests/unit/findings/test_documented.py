"""What is really documented: tiers, shares with intervals over authors, generated cards and copies."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from tasks.findings.documented import documented, share
from tasks.findings.sample import Stamp
from tasks.records import Finding
from tasks.sentences.findings import sentence

STAMP = Stamp(date(2026, 1, 5), "checklist", "f1")


def hub(n: int = 1000, seed: int = 2) -> pl.DataFrame:
    """Popular models fill more sections; authors have habits."""
    rng = np.random.default_rng(seed)
    author = rng.integers(0, n // 8, n)
    downloads = rng.permutation(n)
    habit = rng.uniform(-0.2, 0.2, n // 8)[author]
    usage = rng.uniform(size=n) < 0.4 + 0.4 * downloads / n + habit
    return pl.DataFrame(
        {
            "model_id": [f"a{a}/m{i:04}" for i, a in enumerate(author)],
            "author": [f"a{a}" for a in author],
            "downloads": downloads,
            "card_status": np.where(rng.uniform(size=n) < 0.8, "card", "none"),
            "card_hash": [f"h{i}" for i in range(n)],
            "is_generated": rng.uniform(size=n) < 0.25,
            "sections": [["usage", "license"] if u else ["license"] for u in usage],
        }
    )


def found(frame: pl.DataFrame, families: dict[str, str] | None = None) -> dict[tuple[str, str], Finding]:
    return {(row.outcome, row.stratum): row for row in documented(frame, families or {}, STAMP)}


def test_a_share_is_the_mean_and_its_interval_widens_with_authors() -> None:
    has, authors = np.repeat([1.0, 0.0], 100), np.repeat(np.arange(20), 10)
    clustered, alone = share(has, authors), share(has, np.arange(200))
    assert clustered.value == alone.value == 0.5
    assert clustered.low is not None
    assert alone.low is not None
    assert clustered.low < alone.low < 0.5


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_none_and_all_have_no_interval(value: float) -> None:
    estimate = share(np.full(50, value), np.arange(50))
    assert (estimate.value, estimate.low, estimate.high) == (value, None, None)


def test_popular_models_fill_more() -> None:
    rows = found(hub())
    top, rest = rows["section:usage", "tier=next 9 %"], rows["section:usage", "tier=the rest"]
    assert top.ci_low is not None
    assert rest.ci_high is not None
    assert top.ci_low > rest.ci_high


def test_a_family_of_five_models_is_copied_and_one_of_four_is_not() -> None:
    frame = hub(400).with_columns(pl.lit("card").alias("card_status"))
    families = {f"h{i}": "h1" for i in range(1, 6)} | {f"h{i}": "h10" for i in range(10, 14)}
    assert found(frame, families)["is_copied", "all"].estimate == pytest.approx(5 / 400)


def test_the_same_text_five_times_is_copied_too() -> None:
    frame = hub(400).with_columns(
        pl.lit("card").alias("card_status"),
        pl.when(pl.int_range(pl.len()) < 7).then(pl.lit("h0")).otherwise("card_hash").alias("card_hash"),
    )
    assert found(frame)["is_copied", "all"].estimate == pytest.approx(7 / 400)


def test_without_cards_or_downloads_there_is_nothing_to_say() -> None:
    assert documented(hub().with_columns(pl.lit("none").alias("card_status")), {}, STAMP) == []
    assert documented(hub().with_columns(pl.lit(None, pl.Int64).alias("downloads")), {}, STAMP) == []
    assert documented(hub().clear(), {}, STAMP) == []


def test_each_share_is_a_sentence() -> None:
    rows = found(hub())
    assert sentence(rows["section:usage", "tier=next 40 %"]).startswith("Of 3")
    assert "of the next 40 % of models by downloads" in sentence(rows["section:usage", "tier=next 40 %"])
    assert "are generated" in sentence(rows["is_generated", "all"])
