"""What SQL computes and Python computes as well is the same, to 1e-9."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import numpy as np
import pytest
from scipy import stats

from tasks.findings.documented import documented
from tasks.findings.find import find
from tasks.findings.sample import Stamp
from tasks.storage.warehouse import frame

Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
Database = duckdb.DuckDBPyConnection
WEEK = date(2026, 1, 5)
KEY = {"snapshot": WEEK, "fingerprint": "f1"}


@pytest.fixture
def hub(db: Database, fill: Fill) -> Database:
    """300 models with many ties in downloads and likes, of libraries and authors, most of them with a card."""
    rng = np.random.default_rng(8)
    n = 300
    names = [f"a{a}/m{i:03}" for i, a in enumerate(rng.integers(0, 60, n))]
    downloads, likes = rng.integers(0, 40, n), rng.poisson(0.4, n)
    library = rng.choice(["transformers", "spacy"], n)
    fill(db, "base.snapshots", "snapshot | selection\n2026-01-05 | all models")
    fill(db, "base.judges", "snapshot | fingerprint\n2026-01-05 | f1")
    lines = [
        f"{m} | {d} | {k} | {b} | true" for m, d, k, b in zip(names, downloads, likes, library, strict=True)
    ]
    fill(db, "base.listing", "\n".join(["model_id | downloads | likes | library_name | has_readme", *lines]))
    carded = names[: n - 40]
    fill(
        db,
        "base.reads",
        "\n".join(["model_id | status | card_hash", *(f"{m} | card | h{m}" for m in carded)]),
    )
    fill(db, "base.texts", "\n".join(["card_hash | card_text", *(f"h{m} | # {m}" for m in carded)]))
    kinds = ["[usage, license]", "[license]", "[]"]
    facts = [
        f"h{m} | {kinds[k]} | {'true' if k == 2 else 'false'}"
        for m, k in zip(carded, rng.integers(0, 3, n), strict=False)
    ]
    fill(db, "base.facts", "\n".join(["card_hash | sections | is_generated", *facts]))
    scores = [f"h{m} | f1 | {s}" for m, s in zip(carded, np.round(rng.uniform(1, 5, n), 1), strict=False)]
    fill(db, "base.verdicts", "\n".join(["card_hash | fingerprint | score", *scores]))
    return db


def test_fill_rates_by_tier_agree(hub: Database) -> None:
    rows = frame(hub, "out/analysis_frame", **KEY)
    mine = {(f.outcome, f.stratum): f for f in documented(rows, {}, Stamp(WEEK, "checklist", "f1"))}
    theirs = frame(hub, "out/section_fill", snapshot=WEEK)
    assert theirs.height > 4
    for row in theirs.iter_rows(named=True):
        found = mine[f"section:{row['section']}", f"tier={row['tier']}"]
        assert found.n == row["n"]
        assert found.estimate == pytest.approx(row["fill_share"], abs=1e-9)


def test_spearman_agrees_with_sql_and_with_scipy(hub: Database) -> None:
    rows = frame(hub, "out/analysis_frame", **KEY)
    found = {
        f.outcome: f.estimate
        for f in find(rows, snapshot=WEEK, judge="checklist", fingerprint="f1")
        if (f.question, f.stratum, f.estimator) == ("rank_correlation", "all", "spearman")
    }
    scored = rows.drop_nulls("score")
    of_sql = {outcome: spearman for outcome, _, spearman in frame(hub, "out/spearman", **KEY).iter_rows()}
    for outcome in ("downloads", "likes"):
        expected = stats.spearmanr(scored["score"], scored[outcome]).statistic
        assert found[outcome] == pytest.approx(expected, abs=1e-9)
        assert of_sql[outcome] == pytest.approx(expected, abs=1e-9)


def test_the_author_s_models_are_counted_over_the_whole_listing(hub: Database) -> None:
    rows = frame(hub, "out/analysis_frame", **KEY)
    counts = dict(rows.group_by("author").len().iter_rows())
    assert rows["author_models"].to_list() == [counts[author] for author in rows["author"]]
