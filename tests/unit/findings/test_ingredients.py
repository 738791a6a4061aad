"""What in a card goes with popularity: planted truth, ties, what is rare, and one author with most of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from tasks.arrays import Floats
from tasks.estimators import Estimator
from tasks.findings import rank
from tasks.findings.ingredients import ingredients, wide
from tasks.findings.many_ranks import many_partial_spearmans
from tasks.findings.sample import Bools, Codes, Stamp
from tasks.findings.study import Study
from tasks.records import Finding

STAMP = Stamp(date(2026, 1, 5), "checklist", "f1")
STUDY = Study(
    score="score",
    outcomes=("downloads",),
    subject="model_id",
    cluster="author",
    amounts=("age_days",),
    kinds={"library_name": 3},
    strata={"library": "library_name"},
)
Found = dict[tuple[str, str, str], Finding]


def kitchen(n: int = 1500, seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Models whose downloads go with `snippet` alone; `logo` is mostly where a snippet is; `named` is everywhere."""
    rng = np.random.default_rng(seed)
    author = rng.integers(0, n // 5, n)
    snippet = rng.uniform(size=n) < 0.5
    checks = {
        "snippet": snippet,
        "logo": np.where(rng.uniform(size=n) < 0.8, snippet, ~snippet),
        "chance": rng.uniform(size=n) < 0.3,
        "named": np.ones(n, dtype=bool),
    }
    ids = [f"a{a}/m{i:05}" for i, a in enumerate(author)]
    habit = rng.normal(size=n // 5)[author] * 0.3
    frame = pl.DataFrame(
        {
            "model_id": ids,
            "author": [f"a{a}" for a in author],
            "score": rng.uniform(1, 5, n),
            "downloads": np.floor(np.exp(1 + snippet + habit + rng.normal(size=n))),
            "age_days": rng.integers(0, 900, n),
            "library_name": rng.choice(["transformers", "timm", "rare"], n, p=[0.79, 0.2, 0.01]),
        }
    )
    return frame, parts(ids, checks)


def parts(ids: list[str], checks: dict[str, Bools]) -> pl.DataFrame:
    """The rows of `sql/out/ingredients.sql`, where only checks and one criterion vary."""
    names = list(checks)
    passed = [
        [name for name, has in zip(names, row, strict=True) if has]
        for row in zip(*checks.values(), strict=True)
    ]
    counts = ("gguf_conversions", "quantised_conversions", "onnx_conversions", "own_conversions")
    return pl.DataFrame(
        {
            "model_id": ids,
            "passed": passed,
            "criteria": [["contents"]] * len(ids),
            "levels": [[1.0 + len(row)] for row in passed],
            "tags": [i % 4 for i in range(len(ids))],
            "metadata_share": [0.5] * len(ids),
            "has_space": [i % 100 == 0 for i in range(len(ids))],
            "has_notebook": [False] * len(ids),
            **dict.fromkeys(counts, [0] * len(ids)),
        },
        schema_overrides={"passed": pl.List(pl.String)},
    )


def found(frame: pl.DataFrame, table: pl.DataFrame) -> Found:
    return {
        (row.predictor, row.stratum, row.estimator): row for row in ingredients(frame, table, STAMP, STUDY)
    }


@pytest.fixture(scope="module")
def planted() -> Found:
    return found(*kitchen())


def holds(row: Finding) -> bool:
    return row.p_adjusted is not None and row.p_adjusted <= 0.05


def test_alone_both_are_found_and_jointly_only_the_one_that_matters(planted: Found) -> None:
    for estimator in (
        Estimator.SPEARMAN,
        Estimator.SPEARMAN_PER_AUTHOR,
        Estimator.SPEARMAN_GIVEN_CONTROLS,
    ):
        assert holds(planted["check:snippet", "all", estimator])
        assert holds(planted["check:logo", "all", estimator])
        assert not holds(planted["check:chance", "all", estimator])
    assert holds(planted["check:snippet", "all", Estimator.SPEARMAN_GIVEN_ALL])
    assert not holds(planted["check:logo", "all", Estimator.SPEARMAN_GIVEN_ALL])


def test_a_level_made_of_checks_is_estimated_and_held_equal_to_none_of_them(planted: Found) -> None:
    assert holds(planted["criterion:contents", "all", Estimator.SPEARMAN_GIVEN_CONTROLS])
    assert ("criterion:contents", "all", Estimator.SPEARMAN_GIVEN_ALL) not in planted


def test_libraries_of_thirty_models_have_the_controlled_estimate_alone(planted: Found) -> None:
    asked = {(stratum, estimator) for _, stratum, estimator in planted if stratum != "all"}
    assert asked == {
        ("library=timm", Estimator.SPEARMAN_GIVEN_CONTROLS),
        ("library=transformers", Estimator.SPEARMAN_GIVEN_CONTROLS),
    }
    assert holds(planted["check:snippet", "library=timm", Estimator.SPEARMAN_GIVEN_CONTROLS])
    assert ("space", "library=timm", Estimator.SPEARMAN_GIVEN_CONTROLS) not in planted


@pytest.mark.parametrize("name", ["check:named", "space", "notebook", "conversions:gguf", "metadata"])
def test_what_hardly_any_model_differs_in_is_refused_and_says_so(planted: Found, name: str) -> None:
    row = planted[name, "all", Estimator.SPEARMAN_GIVEN_CONTROLS]
    assert row.estimate is None
    assert "rare" in row.flags


def test_what_thirty_models_of_few_authors_have_is_rare_too() -> None:
    frame, table = kitchen(n=600)
    few = frame["author"].is_in(frame["author"].unique().sort()[:9])
    table = table.with_columns(
        pl.when(few).then(pl.concat_list("passed", pl.lit("rare_check"))).otherwise("passed").alias("passed")
    )
    row = found(frame, table)["check:rare_check", "all", Estimator.SPEARMAN]
    assert int(few.sum()) >= 30
    assert row.flags == ["rare"]


def test_p_is_adjusted_among_the_ingredients_of_one_estimator(planted: Found) -> None:
    rows = [
        row for (_, stratum, name), row in planted.items() if (stratum, name) == ("all", Estimator.SPEARMAN)
    ]
    tested = sorted(row.p for row in rows if row.p is not None)
    largest = max((row for row in rows if row.p is not None), key=lambda row: row.p or 0.0)
    assert len(tested) == 5  # three checks, the level, the tags
    assert largest.p_adjusted == pytest.approx(tested[-1])


def test_one_author_with_a_third_of_the_models_widens_the_interval_and_is_named() -> None:
    frame, table = kitchen(n=900)
    giant = pl.int_range(pl.len()) % 3 == 0
    frame = frame.with_columns(
        pl.when(giant).then(pl.lit("giant")).otherwise("author").alias("author"),
        pl.when(giant).then(pl.lit(10_000)).otherwise("downloads").alias("downloads"),
    )
    owned = pl.Series([place % 3 == 0 for place in range(table.height)])
    table = table.with_columns(
        pl.when(owned).then(pl.concat_list("passed", pl.lit("house"))).otherwise("passed").alias("passed")
    )
    chance = np.random.default_rng(1).uniform(size=table.height) < 0.1
    table = table.with_columns(
        pl.when(pl.Series(chance) & ~owned)
        .then(pl.concat_list("passed", pl.lit("house")))
        .otherwise("passed")
        .alias("passed")
    )
    row = found(frame, table)["check:house", "all", Estimator.SPEARMAN]
    assert row.estimate is not None
    assert row.estimate > 0.5
    assert row.influential_author == "giant"
    assert row.estimate_without == pytest.approx(0, abs=0.15)
    assert not holds(row)
    assert "dominant_author" in row.flags


def test_two_checks_with_the_same_answers_have_no_joint_estimate() -> None:
    frame, table = kitchen(n=600)
    twin = pl.col("passed").list.contains("snippet")
    table = table.with_columns(
        pl.when(twin).then(pl.concat_list("passed", pl.lit("twin"))).otherwise("passed").alias("passed")
    )
    rows = found(frame, table)
    for name in ("check:snippet", "check:twin"):
        assert rows[name, "all", Estimator.SPEARMAN_GIVEN_ALL].flags == ["collinear"]
    assert rows["check:logo", "all", Estimator.SPEARMAN_GIVEN_ALL].estimate is not None
    assert holds(rows["check:twin", "all", Estimator.SPEARMAN_GIVEN_CONTROLS])


def test_the_order_of_rows_changes_nothing() -> None:
    frame, table = kitchen(n=300)
    one, other = found(frame, table), found(frame.reverse(), table.sample(fraction=1.0, shuffle=True, seed=3))
    assert one == other


@pytest.mark.parametrize("n", [0, 9, 25])
def test_where_few_models_can_differ_everything_is_rare(n: int) -> None:
    frame, table = kitchen(n=300)
    rows = found(frame.head(n), table)
    assert all(row.estimate is None and "rare" in row.flags for row in rows.values())
    assert bool(rows) == (n > 0)


def test_downloads_that_never_vary_are_constant() -> None:
    frame, table = kitchen(n=200)
    rows = found(frame.with_columns(pl.lit(3.0).alias("downloads")), table)
    assert all(row.estimate is None and "constant" in row.flags for row in rows.values())


def test_a_criterion_that_some_verdicts_lack_is_refused() -> None:
    frame, table = kitchen(n=200)
    some = pl.int_range(pl.len()) < 20
    table = table.with_columns(
        pl.when(some).then(pl.lit(None)).otherwise(pl.col(name)).alias(name)
        for name in ("criteria", "levels")
    )
    assert wide(table)["criterion:contents"].null_count() == 20
    row = found(frame, table)["criterion:contents", "all", Estimator.SPEARMAN]
    assert row.flags == ["partly_judged"]


# many_partial_spearmans


def tied_columns(n: int = 400, seed: int = 1) -> tuple[Floats, Floats, Floats, Floats, Codes]:
    """Predictors with ties of every kind, an outcome that is mostly zero, controls, and one large author."""
    rng = np.random.default_rng(seed)
    authors = np.where(np.arange(n) < n // 5, 0, 1 + np.arange(n) % 60).astype(np.int64)
    given = np.round(rng.normal(size=(n, 2)), 1)
    fixed = (rng.uniform(size=(n, 2)) < 0.3).astype(np.float64)
    predictors = np.column_stack(
        [rng.normal(size=n) + given[:, 0] > 0.5, rng.integers(0, 4, n), np.round(rng.normal(size=n), 1)]
    ).astype(np.float64)
    y = np.floor(np.exp(rng.normal(size=n) + 0.5 * predictors[:, 0] + 0.3 * given[:, 0]))
    return predictors, y, given, fixed, authors


@pytest.mark.parametrize("seed", range(3))
def test_many_partial_correlations_are_those_of_one_at_a_time(seed: int) -> None:
    predictors, y, given, fixed, authors = tied_columns(seed=seed)
    alone, together = many_partial_spearmans(predictors, y, given, fixed, authors, np.ones(3, np.bool_))
    for k in range(3):
        rest = np.delete(predictors, k, axis=1)
        for held, many in ((given, alone[k]), (np.column_stack([given, rest]), together[k])):
            one = rank.partial_spearman(predictors[:, k], y, held, authors, fixed=fixed)
            for value in ("value", "low", "high", "p", "effective_authors", "value_without"):
                assert getattr(many, value) == pytest.approx(getattr(one, value), rel=1e-6), value
            assert many.most_influential == one.most_influential


def test_a_predictor_that_the_controls_determine_is_collinear() -> None:
    predictors, y, given, fixed, authors = tied_columns()
    predictors[:, 0] = fixed[:, 0]
    alone, together = many_partial_spearmans(predictors, y, given, fixed, authors, np.ones(3, np.bool_))
    assert alone[0].flags == together[0].flags == ("collinear",)
    assert alone[1].value is not None


def test_fewer_than_ten_models_for_each_thing_held_equal_have_no_joint_estimate() -> None:
    alone, together = many_partial_spearmans(*tied_columns(n=60), np.ones(3, np.bool_))
    assert [one.flags for one in together] == [("many_columns",)] * 3
    assert all(one.value is not None for one in alone)
