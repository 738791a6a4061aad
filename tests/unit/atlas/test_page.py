"""The map's page: what is packed into it, and what people find when they point, type, filter and select."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.atlas.page.colours import DARK_MARKS, LIGHT_MARKS, Marks
from tasks.atlas.page.render import AtlasAbout, clean, render_atlas, spread, write_atlas
from tasks.charts.theme import DARK, LIGHT
from tasks.errors import NotWritten
from tests.browser import CHROMIUM, SHIFT, Page, browser

HOSTILE = "<img src=x onerror=\"alert('owned')\"></script><!--<script>"
ABOUT = AtlasAbout(
    snapshot=date(2026, 11, 21),
    hub="https://huggingface.co",
    hub_url="https://huggingface.co/",
    judge="checklist",
    embedder="some-embedder",
    n_models=5,
    n_texts=4,
    noise_share=0.2,
    trustworthiness=0.91,
    notes=["Kinds are of this snapshot alone."],
)
POINTS = pl.Schema(
    {
        "model_id": pl.String, "author": pl.String, "x": pl.Float64, "y": pl.Float64, "kind": pl.Int64,
        "score": pl.Float64, "downloads": pl.Int64, "likes": pl.Int64, "library_name": pl.String,
        "pipeline_tag": pl.String, "model_format": pl.String, "words": pl.String,
    }
)  # fmt: skip
KINDS = pl.Schema(
    {
        "kind": pl.Int64, "name": pl.String, "name_by": pl.String, "description": pl.String,
        "archetype": pl.String, "models": pl.Int64, "share": pl.Float64, "median_score": pl.Float64,
        "median_downloads": pl.Float64, "median_likes": pl.Float64, "score_gap": pl.Float64,
        "stability": pl.Float64, "x": pl.Float64, "y": pl.Float64,
    }
)  # fmt: skip

# Lies on the map as on a compass: the middle, and one each way.
COMPASS = [
    ("ada/middle", "ada", 0.0, 0.0, 7, 3.0, 100, 1, "transformers", "text-generation", "safetensors", "llama chat"),
    ("ada/east", "ada", 1.0, 0.0, 7, 4.6, 200000, 9, "peft", None, "safetensors", "lora adapter"),
    ("bob/west", "bob", -1.0, 0.0, 3, 1.2, 0, 0, "transformers", None, "gguf", "llama quantized"),
    ("bob/north", None, 0.0, 1.0, None, None, None, None, None, None, "other", ""),
    (HOSTILE, "=cmd()", 0.0, -1.0, 3, 2.0, 5, 0, "-peft", None, "gguf", '@sum(1) "quoted", rows'),
]  # fmt: skip
NAMES = [
    (3, HOSTILE, "words", HOSTILE, "stub", 2, 0.4, 1.6, 2.5, 0.0, -0.4, 0.5, -0.5, -0.5),
    (7, "Chat models", "a judge model", "They chat.", "thorough", 12345, 0.6, None, None, None, None, None, 0.5, 0.0),
]  # fmt: skip


def points(rows: list[tuple[Any, ...]] = COMPASS) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=POINTS, orient="row")


def kinds(rows: list[tuple[Any, ...]] = NAMES) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=KINDS, orient="row")


def many(n: int) -> pl.DataFrame:
    """Clouds of invented models."""
    of = np.arange(n) % 20
    noise = np.random.default_rng(1).normal(size=(2, n))
    return pl.DataFrame(
        {
            "model_id": [f"org{i % 99}/model-{i}" for i in range(n)], "author": [f"org{i % 99}" for i in range(n)],
            "x": 10 * np.cos(of) + noise[0], "y": 10 * np.sin(of) + noise[1], "kind": of,
            "score": 1 + (of % 5).astype(float), "downloads": of * 100, "likes": of,
            "library_name": [f"library {i % 7}" for i in range(n)], "pipeline_tag": ["text-generation"] * n,
            "model_format": ["safetensors"] * n, "words": ["some words of the card"] * n,
        },
        schema=POINTS,
    )  # fmt: skip


def packed(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def floats(text: str, kind: str = "<f4") -> list[float]:
    return [float(value) for value in np.frombuffer(base64.b64decode(text), dtype=kind)]


# ---- the page as text


def test_a_hostile_text_is_nowhere_but_escaped() -> None:
    page = render_atlas(points(), kinds(), replace(ABOUT, judge=HOSTILE, notes=[HOSTILE], hub=HOSTILE))
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "<!--" not in page
    assert packed(page)["ids"][4] == HOSTILE


@given(st.text(max_size=300))
@settings(max_examples=40)
def test_whatever_the_name_of_a_model_the_data_stays_data(name: str) -> None:
    row = (name, name, 0.0, 0.0, None, None, None, None, name, name, name, name)
    page = render_atlas(points([row]), kinds([]), ABOUT)
    assert page.count("</script>") == 2
    assert packed(page)["ids"] == [clean(name)]
    assert len(clean(name)) <= 120


def test_control_characters_and_direction_marks_are_removed() -> None:
    assert clean("a\u202egnp.exe\x00\nb") == "a gnp.exe b"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)//", "javascript://x/%0aalert(1)", "data:text/html,x", "", "https://", "http://["],
)
def test_an_address_that_is_not_http_makes_no_links(url: str) -> None:
    assert packed(render_atlas(points(), kinds(), replace(ABOUT, hub_url=url)))["hub_url"] is None


def test_an_address_ends_with_a_slash() -> None:
    page = render_atlas(points(), kinds(), replace(ABOUT, hub_url="http://127.0.0.1:8000"))
    assert packed(page)["hub_url"] == "http://127.0.0.1:8000/"


def test_the_list_of_kinds_works_without_a_script() -> None:
    page = render_atlas(points(), kinds(), ABOUT)
    assert "Chat models" in page
    assert "12,345" in page
    assert "thorough" in page
    assert "−0.40" in page
    assert page.index("Chat models") < page.index("They chat.") < page.index("&lt;img")


def test_the_page_states_its_provenance() -> None:
    page = render_atlas(points(), kinds(), ABOUT)
    for text in ("2026-11-21", "some-embedder", "checklist", "20\u202f%", "0.91", ABOUT.notes[0]):
        assert text in page
    assert "not measured" in render_atlas(points(), kinds(), replace(ABOUT, trustworthiness=None))


def test_kinds_are_coded_by_size_and_an_unknown_one_is_none() -> None:
    unknown = ("ada/x", "ada", 0.0, 0.0, 99, None, None, None, None, None, "other", "")
    data = packed(render_atlas(points([*COMPASS, unknown]), kinds(), ABOUT))
    assert [kind["name"] for kind in data["kinds"]] == ["Chat models", HOSTILE]
    assert floats(data["kind"], "<i4") == [0, 0, 1, -1, 1, -1]


def test_names_are_drawn_where_their_points_are() -> None:
    data = packed(render_atlas(points(), kinds(), ABOUT))
    assert floats(data["x"]) == [0.5, 1.0, 0.0, 0.5, 0.5]
    assert floats(data["y"]) == [0.5, 0.5, 0.5, 1.0, 0.0]
    assert (data["kinds"][0]["x"], data["kinds"][0]["y"]) == (0.75, 0.5)


def test_models_of_one_place_are_spread_by_name_and_no_two_meet() -> None:
    ids = [f"m{i:04}" for i in range(1000)]
    here = np.zeros(1000)
    x, y = spread(pl.Series(ids), here, here)
    assert len(set(zip(x.round(6), y.round(6), strict=True))) == 1000
    assert np.hypot(x, y).max() <= 0.04 + 1e-9
    turned_x, turned_y = spread(pl.Series(ids[::-1]), here, here)
    assert (turned_x[::-1] == x).all()
    assert (turned_y[::-1] == y).all()


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=8))
def test_every_finite_place_stays_on_the_map(places: list[tuple[float, float]]) -> None:
    x = np.array([place[0] for place in places], dtype=float)
    y = np.array([place[1] for place in places], dtype=float)
    on_x, on_y = spread(pl.Series([f"m{i}" for i in range(len(places))], dtype=pl.String), x, y)
    is_finite = np.isfinite(x) & np.isfinite(y)
    for placed in (on_x, on_y):
        assert (np.isfinite(placed) == is_finite).all()
        assert ((placed[is_finite] > -0.05) & (placed[is_finite] < 1.05)).all()


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("marks", "paper"), [(LIGHT_MARKS, LIGHT.paper), (DARK_MARKS, DARK.paper)])
def test_marks_stand_out_from_their_paper_and_ramps_go_one_way(marks: Marks, paper: str) -> None:
    assert min(contrast(colour, paper) for colour in (*marks.marks, marks.other)) >= 3
    steps = [contrast(colour, paper) for colour in marks.ramp]
    assert steps == sorted(set(steps))
    assert len(marks.ramp) == 7


def test_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_atlas(points(), kinds(), ABOUT, tmp_path / "new" / "atlas.html")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["atlas.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match="cannot be written"):
        write_atlas(points(), kinds(), ABOUT, tmp_path / "file" / "atlas.html")


# ---- the page in a browser


@pytest.fixture(scope="module")
def new_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Page]]:
    if CHROMIUM is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")
    with browser(tmp_path_factory.mktemp("profile")) as tabs:
        yield tabs


@pytest.fixture(scope="module")
def tab(new_tab: Callable[[], Page]) -> Page:
    """A tab in which what would be opened is noted instead."""
    page = new_tab()
    note = "window.opened = []; window.open = (...all) => { opened.push(all); };"
    page.ask("Page.addScriptToEvaluateOnNewDocument", source=note)
    return page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("atlas") / "atlas.html"
    write_atlas(points(), kinds(), ABOUT, path)
    return path


@pytest.fixture
def page(tab: Page, file: Path) -> Iterator[Page]:
    """The compass, freshly opened; whatever a test does, nothing fails, leaves or pops up."""
    tab.look()
    for noted in (tab.errors, tab.requests, tab.dialogs):
        noted.clear()
    tab.open(file)
    yield tab
    assert tab.errors == []
    assert tab.dialogs == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def place(page: Page, name: str) -> tuple[float, float]:
    found = page.evaluate(f"atlas.placeOf({json.dumps(name)})")
    return found["x"], found["y"]


@pytest.mark.browser
def test_hovering_shows_the_facts_of_that_card(page: Page) -> None:
    page.hover(*place(page, "ada/east"))
    shown = page.text("#tip")
    for fact in ("ada/east", "Chat models", "4.6", "200,000", "peft", "lora adapter"):
        assert fact in shown
    x, y = place(page, "ada/east")
    page.hover(x - 60, y - 60)
    assert page.evaluate("document.querySelector('#tip').hidden")


@pytest.mark.browser
def test_a_hostile_name_is_shown_and_does_nothing(page: Page) -> None:
    page.hover(*place(page, HOSTILE))
    assert HOSTILE in page.text("#tip")
    page.set("#search", "onerror")
    assert HOSTILE in page.text("#rows")
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert page.evaluate("document.querySelectorAll('#rows a').length") == 0


@pytest.mark.browser
def test_a_click_opens_the_page_of_the_model_in_a_tab_of_its_own(page: Page) -> None:
    page.click(*place(page, "ada/east"))
    page.click(*place(page, HOSTILE))
    assert page.evaluate("opened") == [["https://huggingface.co/ada/east", "_blank", "noopener,noreferrer"]]


@pytest.mark.browser
def test_a_page_with_some_of_the_models_counts_those_that_it_shows(tab: Page, tmp_path: Path) -> None:
    path = tmp_path / "atlas.html"
    write_atlas(points(), kinds(), replace(ABOUT, n_models=12345), path)
    tab.open(path)
    assert tab.text("#count") == "5 of 12,345 models are shown"
    tab.set("#search", "llam")
    assert tab.text("#count") == "2 of 5 models shown match"


@pytest.mark.browser
def test_search_and_filters_combine_and_are_counted(page: Page) -> None:
    assert page.text("#count") == "All 5 models"
    page.set("#search", "LLAM")
    assert page.text("#count") == "2 of 5 models match"
    page.set("#search", "llam mid")
    assert page.text("#count") == "1 of 5 models matches"
    page.set("#search", "lama")  # no word starts with it
    assert page.text("#count") == "0 of 5 models match"
    page.set("#search", "")
    page.set("#score-least", "2")
    assert page.text("#count") == "3 of 5 models match"
    page.set("#downloads-least", "100")
    assert page.text("#count") == "2 of 5 models match"
    page.set("#score-most", "4")
    assert page.text("#count") == "1 of 5 models matches"
    assert page.text("#rows th") == "ada/middle"
    page.evaluate("document.querySelector('#clear').click()")
    assert page.text("#count") == "All 5 models"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("control", "option", "count"),
    [
        ("kind", "Chat", 2),
        ("library", "transformers", 2),
        ("format", "gguf", 2),
        ("task", "text-generation", 1),
    ],
)
def test_every_list_filters_by_its_column(page: Page, control: str, option: str, count: int) -> None:
    value = page.evaluate(
        f"[...document.querySelectorAll('#by-{control} option')]"
        f".find((each) => each.text.startsWith('{option}')).value"
    )
    page.set(f"#by-{control}", value)
    assert page.text("#count").startswith(f"{count} of 5")


@pytest.mark.browser
def test_an_entry_of_the_legend_shows_only_its_points(page: Page) -> None:
    page.set("#colour", "downloads")
    page.evaluate("document.querySelector('#legend button').click()")
    assert page.text("#legend [aria-pressed=true]").startswith("none")
    assert page.text("#count") == "1 of 5 models matches"
    assert page.text("#rows th") == "bob/west"
    page.evaluate("document.querySelector('#legend button').click()")
    assert page.text("#count") == "All 5 models"


@pytest.mark.browser
@pytest.mark.parametrize("by_button", [False, True])
def test_a_rectangle_selects_the_points_in_it(page: Page, by_button: bool) -> None:
    if by_button:
        page.evaluate("document.querySelector('#rectangle').click()")
    (left, top), (right, low) = place(page, "ada/middle"), place(page, "ada/east")
    page.drag((left - 10, top - 10), (right + 5, low + 10), modifiers=0 if by_button else SHIFT)
    assert page.evaluate("[...document.querySelectorAll('#rows th')].map((e) => e.textContent)") == [
        "ada/east",
        "ada/middle",
    ]
    assert page.text("#selected") == "2 models."


@pytest.mark.browser
def test_dragging_moves_the_map_and_selects_nothing(page: Page) -> None:
    x, y = place(page, "ada/middle")
    page.drag((x + 40, y + 40), (x + 90, y + 60))
    assert place(page, "ada/middle") == pytest.approx((x + 50, y + 20), abs=1)
    assert page.evaluate("document.querySelector('#table').hidden")


@pytest.mark.browser
def test_the_table_is_sorted_by_any_column_and_what_is_missing_comes_last(page: Page) -> None:
    left, right = place(page, "bob/west")[0], place(page, "ada/east")[0]
    top, low = place(page, "bob/north")[1], place(page, HOSTILE)[1]
    page.drag((left - 9, top - 9), (right + 9, low + 9), modifiers=SHIFT)
    read = "[...document.querySelectorAll('#rows tr')].map((row) => row.children[3].textContent)"
    click = "document.querySelectorAll('#heads button')[3].click()"
    page.evaluate(click)
    assert page.evaluate(read) == ["4.6", "3.0", "2.0", "1.2", ""]
    page.evaluate(click)
    assert page.evaluate(read) == ["1.2", "2.0", "3.0", "4.6", ""]
    assert page.evaluate("document.querySelectorAll('#heads th')[3].ariaSort") == "ascending"


@pytest.mark.browser
def test_the_csv_holds_the_selection_and_no_formula(page: Page) -> None:
    page.set("#search", "quoted")
    quoted = HOSTILE.replace('"', '""')
    assert page.evaluate("atlas.csv()") == (
        "model,author,kind,score,downloads,likes,library,task,format,words\r\n"
        f'"{quoted}",\'=cmd(),"{quoted}",2,5,0,\'-peft,,gguf,"\'@sum(1) ""quoted"", rows"\r\n'
    )


@pytest.mark.browser
def test_arrows_go_from_card_to_card_and_enter_opens(page: Page) -> None:
    page.evaluate("document.querySelector('#map').focus()")
    page.press("ArrowRight")
    assert page.text("#spoken").startswith("ada/middle.")
    page.press("ArrowRight")
    assert page.text("#spoken").startswith("ada/east.")
    page.press("Enter")
    assert page.evaluate("opened.length") == 1
    page.press("ArrowLeft")
    page.press("ArrowUp")
    assert page.text("#spoken").startswith("bob/north.")
    page.press("Escape")
    assert page.evaluate("document.querySelector('#tip').hidden")


@pytest.mark.browser
def test_keys_zoom_move_and_show_everything(page: Page) -> None:
    page.evaluate("document.querySelector('#map').focus()")
    width = "atlas.placeOf('ada/east').x - atlas.placeOf('bob/west').x"
    before, at = page.evaluate(width), place(page, "ada/middle")
    page.press("+")
    assert page.evaluate(width) == pytest.approx(1.4 * before)
    page.press("ArrowRight", modifiers=SHIFT)
    assert place(page, "ada/middle")[0] < at[0] - 50
    page.press("0")
    assert page.evaluate(width) == pytest.approx(before)
    assert place(page, "ada/middle") == pytest.approx(at)


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "paper"), [("light", LIGHT.paper), ("dark", DARK.paper)])
def test_the_map_follows_when_light_turns_to_dark(page: Page, scheme: str, paper: str) -> None:
    page.look(scheme="dark" if scheme == "light" else "light")
    page.settle()
    page.look(scheme=scheme)
    page.settle()
    corner = "[...document.querySelector('#dots').getContext('2d').getImageData(0, 0, 1, 1).data].slice(0, 3)"
    assert page.evaluate(corner) == [int(paper[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.browser
def test_the_print_has_the_list_of_kinds_without_the_map(page: Page) -> None:
    page.ask("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("document.querySelector('#map').offsetParent") is None
    assert page.evaluate("document.querySelector('.kinds').offsetHeight") > 0
    page.ask("Emulation.setEmulatedMedia", media="")


@pytest.mark.browser
def test_names_of_kinds_can_be_switched_off(page: Page) -> None:
    assert page.evaluate("document.querySelector('#map').dataset.labels") == "2"
    page.evaluate("document.querySelector('#labels').click()")
    page.settle()
    assert page.evaluate("document.querySelector('#map').dataset.labels") == "0"


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_hangs_over_the_edge(page: Page, file: Path, width: int) -> None:
    page.look(width=width, height=800, phone=width < 500)
    page.open(file)
    page.set("#search", "llama")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.browser
@pytest.mark.parametrize(
    "rows",
    [
        [],
        COMPASS[:1],
        [("a/a", *COMPASS[3][1:2], 5.0, 5.0, *COMPASS[3][4:])] * 3,
        [("a/a", None, None, None, None, None, None, None, None, None, "", "")],
    ],
    ids=["none", "one", "all at one place", "nothing known"],
)
def test_maps_with_few_points_or_none_are_painted(
    page: Page, tmp_path: Path, rows: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "atlas.html"
    write_atlas(points(rows), kinds([]), ABOUT, path)
    page.open(path)
    for by in ("score", "library", "format", "downloads", "likes"):
        page.set("#colour", by)
    page.evaluate("document.querySelector('#map').focus()")
    for key in ("ArrowRight", "Enter", "+", "Escape"):
        page.press(key)
    page.set("#search", "nobody")
    expected = f"0 of {len(rows)} model" if rows else "There are no models"
    assert page.text("#count").startswith(expected)


@pytest.mark.browser
def test_a_map_that_is_given_another_size_is_never_seen_empty(page: Page) -> None:
    """An observer that came later is told later, of the same frame: what it sees is what is shown."""
    painted = page.evaluate(
        """new Promise((done) => {
            const map = document.querySelector('#map'), dots = document.querySelector('#dots');
            const width = dots.width;
            new ResizeObserver(() => {
                if (dots.width === width) { map.style.width = '300px'; return; }
                const pixels = dots.getContext('2d').getImageData(0, 0, dots.width, dots.height).data;
                done(pixels.some((value) => value > 0));
            }).observe(map);
        })"""
    )
    assert painted


@pytest.mark.browser
def test_thirty_thousand_points_are_painted_and_the_table_stops_at_two_hundred(
    page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "atlas.html"
    write_atlas(many(30_000), kinds([]), ABOUT, path)
    page.open(path)
    coloured = (
        "(() => { const c = document.querySelector('#dots'); const seen = new Set();"
        " for (const p of new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer))"
        " seen.add(p); return seen.size; })()"
    )
    assert page.evaluate(coloured) > 2
    page.set("#search", "model 1")
    assert page.evaluate("document.querySelectorAll('#rows tr').length") == 200
    assert page.text("#selected").endswith("10,911 more are in the CSV file.")
