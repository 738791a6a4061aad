"""The article on the Hub of 2022: what it may say, and how it is set."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmarks.findings_2022 import article, pictures, tables
from benchmarks.findings_2022.evidence import evidence_of, families
from tasks.charts import draw, theme
from tasks.errors import UsageError
from tasks.records import Finding
from tasks.storage.warehouse import frame

Make = Callable[..., Finding]
PAGE = Path(__file__).parents[3] / "docs" / "findings-2022.md"
# A date, the level of the intervals, the days that the Hub counts downloads over, and the names of files and commands.
NOMINAL = {"2022", "02", "15", "95", "30"}


def test_the_prose_itself_holds_no_measured_figure() -> None:
    template = (Path(article.__file__).parent / "article.md").read_text(encoding="utf-8")
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", template, flags=re.DOTALL)
    assert set(re.findall(r"\d+", prose)) <= NOMINAL


def test_a_claim_that_the_interval_does_not_bear_is_kept_with_its_finding(finding: Make) -> None:
    claims = article.Claims()
    assert claims.reads(finding(), "more") == ""
    assert claims.broken == []
    claims.reads(finding(estimate=0.02, ci_low=-0.1), "more")
    assert claims.broken == [
        "rank_correlation of downloads by spearman (all) reads “more”, but it is “unclear”"
    ]


@pytest.mark.parametrize(
    ("low", "high", "is_apart"),
    [((0.1, 0.2), (0.3, 0.4), True), ((0.1, 0.3), (0.2, 0.4), False), ((None, None), (0.3, 0.4), False)],
)
def test_two_findings_are_apart_where_their_intervals_are(
    finding: Make, low: tuple[float, float], high: tuple[float, float], *, is_apart: bool
) -> None:
    claims = article.Claims()
    one, other = (finding(estimate=0.2, ci_low=ends[0], ci_high=ends[1]) for ends in (low, high))
    claims.apart(one, other)
    assert claims.broken == [] or not is_apart
    assert len(claims.broken) == (not is_apart)


def test_a_finding_that_the_warehouse_lacks_or_holds_twice_is_named(
    invented_warehouse: Callable[..., duckdb.DuckDBPyConnection], finding: Make
) -> None:
    found = [finding(), *(finding(outcome="likes", predictor=name) for name in ("score", "words"))]
    db = invented_warehouse(50, findings=found)
    evidence = evidence_of(db, **frame(db, "out/latest_judged").row(0, named=True))
    assert evidence.finding("rank_correlation", "downloads", "spearman").estimate == 0.21
    assert evidence.finding("rank_correlation", "likes", "spearman", predictor="words").outcome == "likes"
    with pytest.raises(UsageError, match="0 findings of rank_correlation / downloads / kendall / all"):
        evidence.finding("rank_correlation", "downloads", "kendall")
    with pytest.raises(UsageError, match="2 findings of rank_correlation / likes"):
        evidence.finding("rank_correlation", "likes", "spearman")


def test_factors_are_exponentials_of_log_points(finding: Make) -> None:
    slope = finding(question="regression", estimator="poisson", estimate=0.693147, ci_low=0.0, ci_high=1.0)
    assert tables.factor(slope) == "2.00 times (1.00 to 2.72)"


def test_what_a_correction_takes_back_and_few_authors_are_marked(finding: Make) -> None:
    assert tables._marked(finding(p_adjusted=0.04)) == "0.21 (0.15 to 0.27)"
    assert tables._marked(finding(p_adjusted=0.06)).endswith("‡")
    assert tables._marked(finding(p_adjusted=0.06, ci_low=-0.1)).endswith(")")
    assert tables._marked(finding(flags=["few_clusters"])).endswith("†")


def test_cards_alike_by_family_or_to_the_letter_are_counted_together() -> None:
    cards = pl.DataFrame(
        {
            "card_hash": ["a", "b", "c", "c", "d"],
            "author": ["x", "x", "y", "z", "z"],
            "is_generated": [False, True, False, False, False],
        }
    )
    alike = pl.DataFrame({"card_hash": ["a", "b"], "family": ["a", "a"]})
    assert families(cards, alike).sort("texts").rows() == [(2, 1, 2, False), (2, 2, 1, True)]


def test_paragraphs_are_wrapped_and_units_set_as_in_the_other_documents() -> None:
    text = article.typeset("## A\u202fB\n\n" + "word " * 40 + "12\u202f%\n\n- one\n- " + "two " * 40)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 118
    assert "12 %" in text
    assert lines[0] == "## A B"
    assert [line[:2] for line in lines if line.startswith("- ")] == ["- ", "- "]
    assert lines[-1].startswith("  two")


def test_every_picture_of_the_page_is_there_for_light_and_for_dark() -> None:
    named = re.findall(r'(?:srcset|src)="([^"]+)"', PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 4
    assert [name for name in named if not (PAGE.parent / name).exists()] == []
    assert sum(name.endswith("-dark.svg") for name in named) == len(named) / 2


def test_a_picture_is_drawn_on_the_paper_of_each_palette(tmp_path: Path) -> None:
    histogram = pl.DataFrame({"score_low": [1.0], "score_high": [1.25], "n": [3]})
    picture = pictures.Picture("spread", "T", "S", draw.how_scores_are_spread(histogram).to_dict())
    light, dark = (path.read_text(encoding="utf-8") for path in pictures.write([picture], tmp_path))
    assert theme.LIGHT.paper in light
    assert theme.DARK.paper in dark
    assert theme.LIGHT.paper not in dark
