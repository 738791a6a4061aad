"""The page in a browser: every chart is drawn, nothing leaves, and hostile names do nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from tasks.charts.theme import DARK, LIGHT
from tasks.records import Finding
from tasks.report.data import read_report_data
from tasks.report.page import write_report
from tasks.storage.warehouse import frame

Make = Callable[..., Finding]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = (
    """</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">/"x"""
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--virtual-time-budget=10000",
    "--enable-logging=stderr",
    "--dump-dom",
)

CHARTS = 16

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH"),
]


class Tags(HTMLParser):
    """The names of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)


@dataclass(frozen=True)
class Opened:
    """What the browser made of the page, and what it wrote to its console."""

    dom: str
    console: list[str]

    @property
    def tags(self) -> list[str]:
        """Every element, in order."""
        reader = Tags()
        reader.feed(self.dom)
        return reader.found

    @property
    def drawn(self) -> dict[str, str]:
        return dict(re.findall(r'<figure id="([^"]+)" data-drawn="(\w+)"', self.dom))


def open_page(path: Path, profile: Path, *extra: str) -> Opened:
    # No name resolves, so that whatever were asked for would fail and show in the console.
    command = [
        str(CHROMIUM),
        *FLAGS,
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
        *extra,
    ]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120)
    return Opened(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])


def findings(make: Make) -> list[Finding]:
    """What is found with the scores of the judge model, which is the newest judge of the invented warehouse."""
    of_judge: dict[str, object] = {"judge": f"vllm:{HOSTILE}", "fingerprint": "a" * 16}
    slope: dict[str, object] = {"question": "regression", "estimator": "huber", "estimate": 0.3}
    return [
        make(**of_judge),
        make(**of_judge, outcome="likes", flags=[HOSTILE]),
        make(**of_judge, stratum=HOSTILE),
        make(**of_judge, estimator=HOSTILE),
        make(**of_judge, stratum=f"library={HOSTILE}"),
        make(**of_judge, stratum=f"format={HOSTILE}"),
        make(**of_judge, **slope, outcome="log1p_downloads"),
        make(**of_judge, **slope, outcome="log1p_likes"),
        *(
            make(
                **of_judge,
                question="ingredient",
                estimator="spearman_given_controls",
                predictor=predictor,
                p_adjusted=p,
            )
            for predictor, p in (("check:references_given", 0.01), (f"check:{HOSTILE}", 0.4))
        ),
    ]


@pytest.fixture(scope="module")
def report(
    tmp_path_factory: pytest.TempPathFactory,
    invented_warehouse: Callable[..., duckdb.DuckDBPyConnection],
    finding: Make,
) -> Path:
    """A page in which every name that comes from strangers tries to change the page's title."""
    db = invented_warehouse(1000, hostile=HOSTILE, findings=findings(finding), judge_model=True)
    (latest,) = frame(db, "out/latest_judged").to_dicts()
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(read_report_data(db, **latest), path)
    return path


@pytest.fixture(scope="module")
def opened(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_page(report, tmp_path_factory.mktemp("profile"), "--blink-settings=preferredColorScheme=1")


def test_every_chart_is_drawn(opened: Opened, report: Path) -> None:
    charts = report.read_text(encoding="utf-8").count('class="spec"')
    assert charts == CHARTS
    assert list(opened.drawn.values()) == ["yes"] * charts
    assert opened.dom.count("<svg") >= charts


def test_the_console_stays_empty(opened: Opened) -> None:
    assert opened.console == []


def test_hostile_names_do_nothing_but_stand_there(opened: Opened) -> None:
    assert "<title>Cardiograph, 21 November 2026</title>" in opened.dom
    assert "img" not in opened.tags
    assert opened.tags.count("script") == CHARTS + 3  # a specification each, the theme, Vega and our own
    assert "&lt;/script&gt;&lt;script&gt;document.title" in opened.dom


def test_the_policy_stops_what_escaping_would_have_missed(report: Path, tmp_path: Path) -> None:
    smuggled = (
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
        '<img src="http://tracker.example/pixel.png">'
    )
    page = tmp_path / "smuggled.html"
    page.write_text(
        report.read_text(encoding="utf-8").replace("<main>", f"<main>{smuggled}"), encoding="utf-8"
    )
    opened = open_page(page, tmp_path / "profile")
    assert "<title>Cardiograph, 21 November 2026</title>" in opened.dom
    refused = [line for line in opened.console if "Content Security Policy" in line]
    assert any("tracker.example" in line for line in refused)
    assert any("inline script" in line for line in refused)


def test_a_chart_that_cannot_be_drawn_says_so_and_the_others_stand(report: Path, tmp_path: Path) -> None:
    page = tmp_path / "broken.html"
    text = report.read_text(encoding="utf-8")
    page.write_text(text.replace('"layer":', '"strata":', 1), encoding="utf-8")
    opened = open_page(page, tmp_path / "profile")
    assert sorted(opened.drawn.values()) == ["no", *["yes"] * (CHARTS - 1)]
    assert "This chart could not be drawn here" in opened.dom


def test_dark_is_dark(opened: Opened, report: Path, tmp_path: Path) -> None:
    dark = open_page(report, tmp_path / "dark", "--blink-settings=preferredColorScheme=0")
    assert LIGHT.accent in opened.dom.split("<svg")[1]
    assert DARK.accent in dark.dom.split("<svg")[1]


PROBE = """
setTimeout(() => {
  const root = document.documentElement;
  root.dataset.width = root.clientWidth;
  root.dataset.overflow = root.scrollWidth - root.clientWidth;
  const dot = document.querySelector("#score-downloads .mark-symbol path");
  const { x, y } = dot.getBoundingClientRect();
  const at = { bubbles: true, clientX: x + 1, clientY: y + 1 };
  for (const name of ["pointerover", "pointermove"]) dot.dispatchEvent(new PointerEvent(name, at));
  setTimeout(() => {
    const tip = document.querySelector("#vg-tooltip-element");
    root.dataset.tip = tip.textContent;
    root.dataset.tipTags = [...tip.querySelectorAll("*")].map((e) => e.localName).join(" ");
  }, 500);
}, 3000);
"""


def probed(report: Path, tmp_path: Path, width: int) -> dict[str, str]:
    """What a script of the test sees in a copy of the page that lets it run."""
    page = tmp_path / "probed.html"
    text = report.read_text(encoding="utf-8").replace(
        'http-equiv="Content-Security-Policy"', 'name="no-policy"'
    )
    page.write_text(f"{text}<script>{PROBE}</script>", encoding="utf-8")
    opened = open_page(page, tmp_path / "profile", f"--window-size={width},2000")
    root = re.search(r"<html([^>]*)>", opened.dom)
    assert root is not None
    assert set(opened.drawn.values()) == {"yes"}
    return {name: unescape(value) for name, value in re.findall(r'data-([\w-]+)="([^"]*)"', root[1])}


@pytest.fixture(scope="module")
def wide(report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return probed(report, tmp_path_factory.mktemp("wide"), 1400)


def test_nothing_hangs_over_the_edge_of_a_telephone(report: Path, tmp_path: Path) -> None:
    seen = probed(report, tmp_path, 400)
    assert seen["overflow"] == "0"
    assert int(seen["width"]) <= 500  # some browsers open no narrower window


def test_nothing_hangs_over_the_edge_of_a_desk(wide: dict[str, str]) -> None:
    assert wide["overflow"] == "0"


def test_a_tooltip_shows_a_hostile_name_as_text(wide: dict[str, str]) -> None:
    assert HOSTILE in wide["tip"]
    assert not {"img", "script"} & set(wide["tip-tags"].split())
