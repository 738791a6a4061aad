"""What the charts encode; how they look is the theme's business alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from tasks.charts import atlas_map, draw, labels_worth, summaries, theme
from tasks.records import Finding


def invented(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    score = np.round(1 + 4 * rng.random(n), 2)
    return pl.DataFrame(
        {
            "model_id": [f"owner/model-{i}" for i in range(n)],
            "score": score,
            "downloads": np.expm1(1 + 0.4 * score + rng.normal(0, 1.5, n)).clip(0).astype(int),
            "likes": rng.poisson(0.2, n),
        }
    )


def histogram() -> pl.DataFrame:
    low = [1 + 0.25 * i for i in range(16)]
    return pl.DataFrame({"score_low": low, "score_high": [x + 0.25 for x in low], "n": list(range(16))})


def sections() -> pl.DataFrame:
    rows = [
        (tier, name, share)
        for tier in ("top 1 %", "the rest")
        for name, share in (("rare", 0.1), ("usual", 0.8))
    ]
    frame = pl.DataFrame(rows, schema=["tier", "section", "fill_share"], orient="row")
    return frame.with_columns(
        pl.lit(10).alias("n"), (pl.col("fill_share") * 10).cast(pl.Int64).alias("n_filled")
    )


def intervals() -> pl.DataFrame:
    rows = [
        ("Likes", "all", 0.1, 0.0, 0.2),
        ("Likes", "some", 0.2, 0.1, 0.3),
        ("Downloads", "all", 0.3, 0.2, 0.4),
    ]
    return pl.DataFrame(rows, schema=["row", "series", "estimate", "ci_low", "ci_high"], orient="row")


def worth() -> pl.DataFrame:
    rows = [(10, 0.7, 0.45, 0.8), (100, 0.9, 0.85, 0.92)]
    return pl.DataFrame(rows, schema=["labels", "auc", "low", "high"], orient="row")


def strata() -> pl.DataFrame:
    return pl.DataFrame(
        {"stratum": ["few", "many", "unscored"], "median_score": [3.0, 2.0, None], "models": [40, 900, 50]}
    )


def grid() -> pl.DataFrame:
    return pl.DataFrame({"score_low": [1.0, 4.5], "other_low": [2.0, 4.5], "n": [7, 1]})


def placed(n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Models on a map of two kinds, every third of none, and the kinds."""
    kinds = [None if i % 3 == 0 else 11 + i % 2 for i in range(n)]
    points = pl.DataFrame({"x": [i / 7 for i in range(n)], "y": [float(-i) for i in range(n)], "kind": kinds})
    return points, pl.DataFrame({"kind": [11, 12], "x": [0.5, 1.0], "y": [-3.0, -4.0], "name": ["a", "b"]})


def slope(finding: Callable[..., Finding], **fields: object) -> Finding:
    usual: dict[str, object] = {"question": "regression", "outcome": "log1p_downloads", "estimator": "huber"}
    return finding(**{**usual, "estimate": 0.4, "ci_low": 0.3, "ci_high": 0.5, **fields})


@pytest.fixture
def drawn(finding: Callable[..., Finding]) -> dict[str, dict[str, Any]]:
    models = invented(200)
    made = {
        "spread": draw.how_scores_are_spread(histogram(), 2.5),
        "popularity": draw.score_against_popularity(models, "downloads", slope(finding)),
        "sections": draw.which_sections_are_filled(sections()),
        "association": draw.how_strong_is_the_association(intervals()),
        "ingredients": draw.what_goes_with_popularity(
            intervals().with_columns(pl.Series("holds", [True] + [False] * (intervals().height - 1))), "ρ"
        ),
        "documented": draw.what_is_documented(intervals(), ["some", "all"]),
        "strata": draw.how_strata_compare(strata()),
        "agreement": draw.how_far_judge_and_people_agree(intervals(), "Kappa"),
        "judges": draw.how_two_judges_compare(grid(), "the one", "the other"),
        "labels": labels_worth.what_labels_are_worth(worth(), 0.8),
        "map": atlas_map.where_cards_lie(*placed(10)),
    }
    return {name: chart.to_dict() for name, chart in made.items()}


def encoding(spec: dict[str, Any], layer: int) -> dict[str, Any]:
    found: dict[str, Any] = spec["layer"][layer]["encoding"]
    return found


def test_charts_take_the_width_that_they_are_given(drawn: dict[str, dict[str, Any]]) -> None:
    assert {spec["width"] for spec in drawn.values()} == {"container"}


def test_charts_name_no_colour_of_their_own(drawn: dict[str, dict[str, Any]]) -> None:
    for spec in drawn.values():
        assert not re.search(r"#[0-9a-fA-F]{6}\b", json.dumps(spec))


def test_every_style_that_charts_name_is_in_the_theme(drawn: dict[str, dict[str, Any]]) -> None:
    used = set(re.findall(r'"style": "(\w+)"', json.dumps(list(drawn.values()))))
    for palette in (theme.LIGHT, theme.DARK):
        assert used <= set(theme.config(palette)["style"])


def test_the_histogram_draws_bins_from_edge_to_edge_and_marks_the_median(
    drawn: dict[str, dict[str, Any]],
) -> None:
    bars, rule = encoding(drawn["spread"], 0), encoding(drawn["spread"], 1)
    assert (bars["x"]["field"], bars["x2"]["field"], bars["y"]["field"]) == ("score_low", "score_high", "n")
    assert bars["x"]["bin"] == "binned"
    assert rule["x"]["field"] == "median"


def test_popularity_stands_on_a_logarithm_with_a_place_for_zero(drawn: dict[str, dict[str, Any]]) -> None:
    scale = encoding(drawn["popularity"], 0)["y"]["scale"]
    assert (scale["type"], scale["constant"], scale["domain"][0]) == ("symlog", 1, 0)


def test_without_a_fit_no_line_is_drawn() -> None:
    chart = draw.score_against_popularity(invented(50), "likes").to_dict()
    assert "line" not in {layer["mark"]["type"] for layer in chart["layer"]}


def test_sections_are_sorted_by_how_often_they_are_filled(drawn: dict[str, dict[str, Any]]) -> None:
    cells = encoding(drawn["sections"], 0)
    assert cells["y"]["sort"] == ["usual", "rare"]
    assert cells["x"]["sort"] == ["top 1 %", "the rest"]


def test_the_forest_plot_keeps_the_order_of_its_rows_and_marks_zero(drawn: dict[str, dict[str, Any]]) -> None:
    zero, whisker, point = (encoding(drawn["association"], layer) for layer in range(3))
    assert zero["x"]["field"] == "zero"
    assert (whisker["x"]["field"], whisker["x2"]["field"]) == ("ci_low", "ci_high")
    assert whisker["y"]["sort"] == ["Likes", "Downloads"]
    assert point["color"]["scale"]["domain"] == point["shape"]["scale"]["domain"] == ["all", "some"]


def test_what_does_not_hold_after_correction_is_hollow_and_thin(drawn: dict[str, dict[str, Any]]) -> None:
    _, *layers = drawn["ingredients"]["layer"]
    styles = {
        (layer["transform"][0]["filter"], layer["mark"]["type"]): layer["mark"].get(
            "filled", layer["mark"].get("strokeWidth")
        )
        for layer in layers
    }
    assert styles == {
        ("!datum.holds", "rule"): 1,
        ("!datum.holds", "point"): False,
        ("datum.holds", "rule"): 2,
        ("datum.holds", "point"): True,
    }


def test_edits_of_both_kinds_stand_side_by_side_around_their_week() -> None:
    rows = [
        (week, kind, 0.1, 0.0, 0.2)
        for kind in ("documenting more", "documenting nothing more")
        for week in (-1, 0)
    ]
    schema = ["week", "series", "estimate", "ci_low", "ci_high"]
    spec = draw.how_an_edit_is_followed(
        pl.DataFrame(rows, schema=schema, orient="row"), "Difference"
    ).to_dict()
    drawn = next(rows for rows in spec["datasets"].values() if "place" in rows[0])
    assert [(row["week"], round(row["place"], 2)) for row in drawn] == [
        (-1, -1.09),
        (0, -0.09),
        (-1, -0.91),
        (0, 0.09),
    ]
    scale = encoding(spec, 2)["x"]["scale"]
    assert scale["domain"] == [-1.5, 0.5]


def test_shares_stand_as_per_cents_from_zero_on(drawn: dict[str, dict[str, Any]]) -> None:
    whisker = encoding(drawn["documented"], 1)
    assert whisker["x"]["axis"]["labelExpr"].endswith("%'")
    assert whisker["x"]["scale"]["zero"]
    assert "labelExpr" not in encoding(drawn["association"], 1)["x"]["axis"]


def test_every_chart_tells_its_interval_in_the_same_words(drawn: dict[str, dict[str, Any]]) -> None:
    told = {
        name: [(tip["field"], tip["title"]) for tip in encoding(drawn[name], 1)["tooltip"][-3:]]
        for name in ("association", "agreement", "documented")
    }
    assert set(map(tuple, told.values())) == {
        (("estimate", "estimate"), ("ci_low", "from"), ("ci_high", "to"))
    }


def test_two_judges_meet_in_cells_of_half_a_point_beside_a_line_of_equals(
    drawn: dict[str, dict[str, Any]],
) -> None:
    cells, same, text = (encoding(drawn["judges"], layer) for layer in range(3))
    assert (cells["y"]["title"], cells["x"]["title"]) == ("Score of the one", "Score of the other")
    assert [cells[name]["field"] for name in ("x", "x2", "y", "y2")] == [
        "other_low",
        "other_high",
        "score_low",
        "score_high",
    ]
    assert {tuple(cells[name]["scale"]["domain"]) for name in ("x", "y")} == {(1, 5)}
    assert same["x"]["field"] == same["y"]["field"]
    assert text["text"]["field"] == "n"
    rows = next(rows for rows in drawn["judges"]["datasets"].values() if "n" in rows[0])
    assert [(row["score_high"], row["other_middle"]) for row in rows] == [(1.5, 2.25), (5.0, 4.75)]


def test_a_legend_has_the_columns_that_fit_on_a_telephone_beside_the_rows() -> None:
    def columns(series: str, row: str) -> int:
        frame = pl.DataFrame(
            {
                "row": [row, row],
                "series": [series, f"{series}!"],
                "estimate": [0.1, 0.2],
                "ci_low": [0.0, 0.1],
                "ci_high": [0.2, 0.3],
            }
        )
        spec = draw.how_strong_is_the_association(frame).to_dict()
        found: int = encoding(spec, 1)["color"]["legend"]["columns"]
        return found

    assert columns("likes", "keras") == 2
    assert columns("cards not generated", "Downloads, all else equal") == 1
    assert (
        columns("a name that is longer than any telephone is wide", "a row of that kind as well, beside it")
        == 1
    )


def test_strata_stand_by_size_and_those_without_a_score_are_left_out(
    drawn: dict[str, dict[str, Any]],
) -> None:
    assert encoding(drawn["strata"], 0)["y"]["sort"][0] == "many"
    assert all(
        row["median_score"] is not None for rows in drawn["strata"]["datasets"].values() for row in rows
    )


def test_the_map_has_a_point_a_model_and_the_numbers_of_its_kinds_above_them() -> None:
    spec = atlas_map.where_cards_lie(*placed(12_000)).to_dict()
    points, halo, numbers = (layer["data"]["values"] for layer in spec["layer"])
    assert len(points) == 12_000
    assert points[3] == {"x": 0.429, "y": -3.0, "series": "none"}
    assert {point["series"] for point in points} == {"none", "0", "2"}
    assert halo == numbers == [{"kind": 11, "x": 0.5, "y": -3.0}, {"kind": 12, "x": 1.0, "y": -4.0}]
    assert encoding(spec, 2)["text"]["field"] == "kind"
    assert encoding(spec, 2)["x"] == encoding(spec, 0)["x"]


def test_thirty_thousand_models_draw_like_a_thousand(finding: Callable[..., Finding]) -> None:
    spec = draw.score_against_popularity(invented(30_000), "downloads", slope(finding)).to_dict()
    assert len(json.dumps(spec)) < 200_000
    assert max(len(rows) for rows in spec["datasets"].values()) == summaries.POINTS_MAX


def test_the_same_models_are_drawn_every_time() -> None:
    models = invented(5000)
    assert summaries.sampled(models, "likes").equals(summaries.sampled(models, "likes"))


def test_the_line_has_the_slope_of_the_finding_and_passes_the_middle(finding: Callable[..., Finding]) -> None:
    models = invented(2000)
    line = summaries.fitted_line(models, "downloads", slope(finding))
    logs = np.log1p(line["fit"].to_numpy())
    np.testing.assert_allclose(np.diff(logs) / np.diff(line["score"].to_numpy()), 0.4)
    expected = np.interp(models["score"].to_numpy(), line["score"].to_numpy(), logs)
    assert abs(np.median(np.log1p(models["downloads"].to_numpy()) - expected)) < 1e-9


def test_the_range_of_the_line_holds_the_line(finding: Callable[..., Finding]) -> None:
    line = summaries.fitted_line(invented(300), "downloads", slope(finding))
    assert line.filter(
        (pl.col("low") > pl.col("fit") + 1e-9) | (pl.col("high") < pl.col("fit") - 1e-9)
    ).is_empty()


def test_a_line_without_an_interval_has_no_range(finding: Callable[..., Finding]) -> None:
    line = summaries.fitted_line(invented(300), "downloads", slope(finding, ci_low=None, ci_high=None))
    assert line["low"].equals(line["fit"].rename("low"))


def test_no_scored_model_makes_an_empty_line(finding: Callable[..., Finding]) -> None:
    assert summaries.fitted_line(
        invented(3).filter(pl.col("score") > 9), "downloads", slope(finding)
    ).is_empty()


def test_the_top_score_falls_into_the_last_half_point() -> None:
    models = pl.DataFrame({"model_id": ["a", "b", "c"], "score": [5.0, 4.6, None], "likes": [4, 2, 9]})
    bins = summaries.outcome_by_score(models, "likes").to_dicts()
    assert bins == [{"score_low": 4.5, "n": 2, "q25": 2.5, "median": 3.0, "q75": 3.5, "score_high": 5.0}]


@pytest.mark.parametrize("name", ["\x1b[2Jbert", "a\x00b", "\ud800", "\ufffe", "<script>&amp;", "中文 🤗"])
def test_a_name_that_no_picture_can_hold_is_drawn_without_what_it_cannot(name: str, tmp_path: Path) -> None:
    strata = pl.DataFrame({"stratum": ["a-stranger", "few"], "median_score": [3.0, 2.0], "models": [40, 30]})
    text = json.dumps(draw.how_strata_compare(strata).to_dict())
    spec = json.loads(text.replace('"a-stranger"', json.dumps(name)))
    assert name in json.loads(json.dumps(spec))["datasets"].popitem()[1][0].values()
    theme.save_png(spec, tmp_path / "one.png")
    theme.save_svg(spec, tmp_path / "one.svg", theme.DARK)
    ElementTree.fromstring((tmp_path / "one.svg").read_text(encoding="utf-8"))  # noqa: S314  # our own


def test_a_chart_becomes_a_png(tmp_path: Path) -> None:
    path = tmp_path / "spread.png"
    theme.save_png(draw.how_scores_are_spread(histogram(), 2.5), path, width=300, scale=1)
    assert path.read_bytes().startswith(b"\x89PNG")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(palette: theme.Palette) -> None:
    for text in (palette.ink, palette.muted, palette.accent):
        assert contrast(text, palette.paper) >= 4.5
    for text in (palette.ink, palette.warn):
        assert contrast(text, palette.warn_ground) >= 4.5
    for end in (palette.ramp_low, palette.ramp_high):
        assert contrast(palette.ink, end) >= 4.5
    for mark in (palette.second, palette.third):
        assert contrast(mark, palette.paper) >= 3


def test_palettes_hold_plain_colours() -> None:
    for palette in (theme.LIGHT, theme.DARK):
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in astuple(palette))


def test_tiers_stand_in_the_order_of_popularity_whichever_is_drawn_first() -> None:
    drawn = draw.what_is_documented(intervals(), ["some", "all"]).to_dict()
    domains = [
        layer["encoding"]["color"]["scale"]["domain"]
        for layer in drawn["layer"]
        if "color" in layer["encoding"]
    ]
    assert domains
    assert all(domain == ["some", "all"] for domain in domains)


def test_what_labels_are_worth_is_drawn_on_a_logarithmic_axis_beside_the_judge_as_it_is() -> None:
    spec = labels_worth.what_labels_are_worth(worth(), 0.8).to_dict()
    band, line, _, rule, _ = spec["layer"]
    assert band["encoding"]["x"]["scale"]["type"] == "log"
    assert band["encoding"]["x"]["axis"]["values"] == [10, 100]
    assert band["encoding"]["y"]["scale"]["domain"] == [0.45, 1]
    assert (line["encoding"]["y"]["field"], rule["encoding"]["y"]["field"]) == ("auc", "judge")
    assert len(labels_worth.what_labels_are_worth(worth()).to_dict()["layer"]) == 3
