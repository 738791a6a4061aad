"""The page as text: what it holds, what it escapes, and that it renders whatever is missing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import vl_convert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import NotWritten, UsageError
from tasks.records import Finding, JudgeRecord
from tasks.report import figures, page
from tasks.report.data import ReportData, read_report_data
from tasks.report.judge import judge_section
from tasks.report.page import render_report, write_pictures, write_report
from tasks.sentences.edits import edit_verdict
from tasks.settings import Settings
from tasks.storage.warehouse import frame

Make = Callable[..., Finding]
Warehouse = Callable[..., duckdb.DuckDBPyConnection]

VEGA = vl_convert.javascript_bundle
HOSTILE = (
    """</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">/"x"""
)


class Page(HTMLParser):
    """What a browser would make of the page: its elements, its texts, its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.texts: list[str] = []
        self._open: dict[str, str | None] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs) if tag in ("script", "style") else None
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is None:
            self.texts.append(data)
        elif self.scripts and self.scripts[-1][0] == self._open:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\u202f", " ").split())

    @property
    def specs(self) -> list[dict[str, Any]]:
        return [json.loads(text) for attributes, text in self.scripts if attributes.get("class") == "spec"]


def usual_findings(make: Make) -> list[Finding]:
    """A few of each kind that the page treats in its own way."""
    slope: dict[str, object] = {"question": "regression", "outcome": "log1p_downloads", "estimator": "huber"}
    return [
        make(),
        make(outcome="likes", estimate=0.02, ci_low=-0.03, ci_high=0.07, flags=["mostly_zero"]),
        make(stratum="without_outliers"),
        make(estimator="kendall", estimate=0.14, ci_low=0.1, ci_high=0.18),
        make(**slope, estimate=0.3),
        make(
            **slope,
            stratum="without_outliers",
            estimate=None,
            ci_low=None,
            ci_high=None,
            flags=["not_converged"],
        ),
        make(stratum="library=transformers"),
        make(stratum="format=weights", estimate=None, ci_low=None, ci_high=None, p=None),
        make(
            question="outliers",
            predictor="downloads",
            estimator="fence",
            estimate=1e4,
            ci_low=None,
            ci_high=None,
        ),
    ]


@pytest.fixture(scope="module", autouse=True)
def short_script() -> Iterator[None]:
    """A word in the place of Vega, whose 0.9 MB take long to bundle and to parse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "window.vegaEmbed = null;")
        page._scripts.cache_clear()
        yield
    page._scripts.cache_clear()


@pytest.fixture(scope="module")
def data(invented_warehouse: Warehouse, finding: Make) -> ReportData:
    return read(invented_warehouse(1000, findings=usual_findings(finding)))


@pytest.fixture(scope="module")
def tags(data: ReportData) -> list[str]:
    return [tag for tag, _ in Page(render_report(data)).elements]


@pytest.fixture(scope="module")
def judged(invented_warehouse: Warehouse) -> ReportData:
    return read(invented_warehouse(1000, judge_model=True))


@pytest.fixture(scope="module")
def judged_tags(judged: ReportData) -> list[str]:
    return _but_terms(Page(render_report(judged)))


def read(db: duckdb.DuckDBPyConnection) -> ReportData:
    (latest,) = frame(db, "out/latest_judged").to_dicts()
    return read_report_data(db, **latest)


def test_the_page_opens_on_the_finding_its_doubts_and_its_origin(data: ReportData) -> None:
    text = Page(render_report(data)).text
    assert "tend to have more downloads (weak: Spearman ρ 0.21, 95 % interval 0.15 to 0.27)" in text
    assert "These are scores of a rule-based checklist." in text
    assert f"Fingerprint {data.judge.fingerprint}" in text
    assert "Selection top 1000 by downloads" in text
    assert "1,000 by 400 authors" in text
    assert "760 76 % of them" in text


def test_another_judge_is_not_called_a_checklist(data: ReportData) -> None:
    judge = replace(data.judge, judge="vllm", model="org/judge")
    findings = tuple(replace(f, judge="vllm") for f in data.findings)
    assert "checklist" not in Page(render_report(replace(data, judge=judge, findings=findings))).text


def test_every_frame_has_its_place(data: ReportData) -> None:
    text = Page(render_report(data)).text
    popular = data.exemplars.filter(pl.col("kind") == "popular, undocumented")["model_id"][0]
    for said in (popular, "quick start", "stable-baselines3", "gated", "Huber regression", "beyond 10,000"):
        assert said in text
    assert len(Page(render_report(data)).specs) == 10


def shares(make: Make) -> tuple[Finding, ...]:
    """Of the cards: generated less among the most downloaded, the license filled more, limits as likely as not."""
    ends = {
        "is_generated": ((0.05, 0.02, 0.1), (0.6, 0.5, 0.7)),
        "section:license": ((0.9, 0.8, 0.95), (0.4, 0.3, 0.5)),
        "section:out_of_scope": ((0.3, 0.1, 0.6), (0.2, 0.1, 0.3)),
    }
    return tuple(
        make(
            question="documentation",
            estimator="share",
            outcome=outcome,
            predictor=outcome,
            stratum=stratum,
            **dict(zip(("estimate", "ci_low", "ci_high"), numbers, strict=True)),
        )
        for outcome, (top, rest) in ends.items()
        for stratum, numbers in (("all", rest), ("tier=top 1 %", top), ("tier=the rest", rest))
    )


def test_what_is_documented_is_drawn_with_intervals_by_popularity(data: ReportData, finding: Make) -> None:
    parsed = Page(render_report(replace(data, findings=shares(finding))))
    (drawn,) = (spec for spec in parsed.specs if "intervals do not overlap" in spec["description"])
    rows = next(rows for rows in drawn["datasets"].values() if "series" in rows[0])
    assert [(row["row"], row["series"], row["ci_high"]) for row in rows[:3]] == [
        ("Generated by a tool", "top 1 %", 0.1),
        ("Generated by a tool", "the rest", 0.7),
        ("License", "top 1 %", 0.95),
    ]
    assert "intervals do not overlap: license. Less frequent: generated by a tool." in parsed.text
    assert "Overlapping intervals: 1 of 3." in parsed.text
    assert "90 % (80 % to 95 %)" in parsed.text


def ingredient(make: Make, predictor: str, low: float, high: float, **fields: object) -> Finding:
    """An ingredient of all models with the controls held equal; it holds where the interval leaves out zero."""
    usual: dict[str, object] = {
        "question": "ingredient",
        "predictor": predictor,
        "estimator": "spearman_given_controls",
        "estimate": (low + high) / 2,
        "ci_low": low,
        "ci_high": high,
        "p_adjusted": 0.001 if low > 0 or high < 0 else 0.4,
    }
    return make(**{**usual, **fields})


def kitchen(make: Make) -> tuple[Finding, ...]:
    """What goes with more downloads, alone or jointly, with fewer, with neither, and what is too rare."""
    return (
        ingredient(make, "check:has_snippet", 0.1, 0.3),
        ingredient(make, "check:has_snippet", 0.05, 0.1, estimator="spearman_given_all"),
        ingredient(make, "check:own_words", 0.3, 0.4),
        ingredient(make, "check:own_words", -0.05, 0.05, estimator="spearman_given_all"),
        ingredient(make, "check:own_words", 0.2, 0.4, outcome="likes"),
        ingredient(make, "check:procedure_described", -0.3, -0.1),
        ingredient(make, "metadata", -0.1, 0.2, flags=["unknown:age_days"]),
        ingredient(make, "criterion:originality", 0.4, 0.6),
        ingredient(make, "check:own_words", 0.7, 0.8, stratum="library=timm"),
        ingredient(
            make, "conversions:gguf", 0.0, 0.0, estimate=None, ci_low=None, ci_high=None, flags=["rare"]
        ),
    )


def test_ingredients_are_drawn_by_their_estimate_and_marked_where_they_do_not_hold(
    data: ReportData, finding: Make
) -> None:
    parsed = Page(render_report(replace(data, findings=kitchen(finding))))
    (drawn,) = (spec for spec in parsed.specs if "ingredients go with" in spec["description"])
    rows = next(rows for rows in drawn["datasets"].values() if "holds" in rows[0])
    assert [(row["row"], row["series"], row["holds"]) for row in rows] == [
        ("Own words", "downloads", True),
        ("Own words", "likes", True),
        ("Code snippet", "downloads", True),
        ("Complete metadata", "downloads", False),
        ("Training procedure", "downloads", True),
    ]
    assert (
        "2 of 4 ingredients go with more downloads, most of all own words (0.35), code snippet (0.20); 1 with fewer."
    ) in parsed.text
    assert "With all other ingredients equal too, 1 of the 2 are left." in parsed.text
    assert (
        "No clear association: complete metadata (0.05). Too rare here to say: GGUF conversions."
        in parsed.text
    )
    assert "Age is not held equal: too few models report it." in parsed.text
    assert "causes" not in parsed.text


def test_ingredients_of_libraries_stay_out_of_the_page(data: ReportData, finding: Make) -> None:
    parsed = Page(render_report(replace(data, findings=kitchen(finding))))
    assert "check:own_words" in parsed.text
    assert "library=timm" not in parsed.text
    assert "Level of originality" in parsed.text


def test_without_an_ingredient_that_holds_the_page_says_so_and_without_any_nothing(
    data: ReportData, finding: Make
) -> None:
    figure = figures.ingredients(replace(data, findings=(ingredient(finding, "tags", -0.1, 0.1),)))
    assert figure is not None
    assert figure.summary.startswith("At equal controls, none of 1 ingredients clearly goes with downloads.")
    assert figures.ingredients(data) is None


def test_where_the_top_has_no_interval_the_tier_below_it_is_compared(data: ReportData, finding: Make) -> None:
    tiers = {"top 1 %": (None, None), "next 9 %": (0.8, 0.95), "the rest": (0.3, 0.5)}
    told = tuple(
        finding(
            question="documentation",
            outcome="section:license",
            predictor="section:license",
            stratum=f"tier={tier}",
            estimator="share",
            estimate=0.4,
            ci_low=low,
            ci_high=high,
        )
        for tier, (low, high) in tiers.items()
    )
    overall = replace(told[-1], stratum="all")
    figure = figures.documented(replace(data, findings=(*told, overall)))
    assert figure is not None
    assert figure.summary.startswith(
        "More frequent in the next 9 % of models by downloads than in the last tier"
    )
    lone = figures.documented(replace(data, findings=(told[-1], overall)))
    assert lone is not None
    assert "no two tiers can be compared" in lone.summary


def edit_findings(finding: Make) -> tuple[Finding, ...]:
    """An event study of downloads: a clear effect of documenting, none of other edits, no trend before them."""
    of_edit: dict[str, object] = {"outcome": "downloads_gained", "estimator": "poisson_stacked", "n": 40}
    unclear: dict[str, object] = {"estimate": 0.01, "ci_low": -0.1, "ci_high": 0.12, "p": 0.8}
    curve = [
        finding(
            **of_edit, question="edit_curve", predictor=kind, stratum=f"week={week}", estimate=week / 10,
            ci_low=week / 10 - 0.05, ci_high=week / 10 + 0.05,
        )
        for kind in ("documentation_edit", "cosmetic_edit")
        for week in (-4, -3, -2, 0, 1, 2, 3)
    ]  # fmt: skip
    documenting: dict[str, object] = {**of_edit, "predictor": "documentation_edit"}
    return (
        *curve,
        finding(**documenting, question="edit_effect"),
        finding(**documenting | {"estimator": "wald"}, question="edit_pretrend", estimate=1.2, p=0.4),
        finding(**of_edit, predictor="cosmetic_edit", question="edit_effect", **unclear),
    )


def test_edits_of_both_kinds_are_drawn_around_their_week_with_a_base_at_zero(
    data: ReportData, finding: Make
) -> None:
    found = edit_findings(finding)
    figure = figures.associations.edits(replace(data, findings=found), "downloads_gained")
    assert figure
    assert figure.spec
    rows = max(figure.spec["datasets"].values(), key=len)
    assert len(rows) == 16
    for series in ("documenting more", "documenting nothing more"):
        estimates = {row["week"]: row["estimate"] for row in rows if row["series"] == series}
        assert estimates == pytest.approx({-1: 0} | {week: week / 10 for week in (-4, -3, -2, 0, 1, 2, 3)})
    assert [row["ci_low"] for row in rows if row["week"] == -1] == [0, 0]
    assert figure.table
    assert len(figure.table.rows) == len(found)
    assert figure.summary.endswith(edit_verdict(found, "downloads_gained") or "no verdict")
    assert figures.associations.edits(replace(data, findings=found), "likes_gained") is None
    assert figures.associations.edits(replace(data, findings=found[-3:]), "downloads_gained") is None


def test_without_shares_none_are_drawn(data: ReportData) -> None:
    assert figures.documented(data) is None


def test_every_chart_of_the_page_is_among_the_pictures(
    data: ReportData, judged: ReportData, finding: Make, tmp_path: Path
) -> None:
    whole = replace(judged, findings=(*data.findings, *shares(finding)))
    page = render_report(whole)
    parsed = Page(page)
    names = {str(figure["id"]) for figure in parsed.all("figure")}
    assert {"slopes-downloads", "documented", "agreement", "judges-0"} <= names
    drawn = {path.stem for path in write_pictures(whole, tmp_path)}
    assert len(drawn) == len(parsed.specs)
    assert drawn <= names


def test_thirty_thousand_models_make_a_page_of_less_than_three_megabytes(
    invented_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vl_convert, "javascript_bundle", VEGA)
    monkeypatch.setattr(page, "_scripts", page._scripts.__wrapped__)
    large = read(invented_warehouse(30_000))
    assert large.models.height == 30_000
    assert 900_000 < len(render_report(large).encode()) < 3_000_000


def test_what_the_page_embeds_is_small_beside_the_script(data: ReportData) -> None:
    assert sum(len(json.dumps(spec)) for spec in Page(render_report(data)).specs) < 300_000


def test_only_our_own_scripts_may_run(data: ReportData) -> None:
    parsed = Page(render_report(data))
    policy = next(meta["content"] for meta in parsed.all("meta") if "http-equiv" in meta)
    assert policy is not None
    run = [text for attributes, text in parsed.scripts if attributes.get("type") is None]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert len(run) == 2
    allowed = policy.split("script-src ")[1].split(";")[0].split()
    assert allowed == [f"'sha256-{digest}'" for digest in hashes]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy


def test_the_page_loads_nothing(data: ReportData) -> None:
    parsed = Page(render_report(data))
    assert not [
        attributes for _, attributes in parsed.elements if {"src", "srcset", "data"} & attributes.keys()
    ]
    assert not parsed.all("link")
    assert all((a["href"] or "").startswith(("https://huggingface.co/owner-", "#")) for a in parsed.all("a"))


def hostile_findings(make: Make) -> list[Finding]:
    names = ("question", "outcome", "predictor", "stratum", "estimator")
    spoiled = [make(**{name: HOSTILE, "judge": HOSTILE}) for name in names]
    spoiled.append(make(flags=[HOSTILE], judge=HOSTILE))
    return [*spoiled, make(stratum=f"library={HOSTILE}"), make(question="regression", estimator=HOSTILE)]


@pytest.mark.parametrize("judge_model", [False, True])
def test_names_that_are_markup_stay_text(
    invented_warehouse: Warehouse, finding: Make, *, judge_model: bool
) -> None:
    findings = hostile_findings(finding)
    data = read(invented_warehouse(1000, hostile=HOSTILE, findings=findings, judge_model=judge_model))
    parsed = Page(render_report(data))
    assert "img" not in {tag for tag, _ in parsed.elements}
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert len([1 for attributes, _ in parsed.scripts if attributes.get("type") is None]) == 2
    assert all(
        (a["href"] or "").startswith("#")
        for a in parsed.all("a")  # the hub's address is hostile, too
    )
    assert HOSTILE in "".join(parsed.texts)
    assert HOSTILE in json.dumps(parsed.specs, ensure_ascii=False).replace('\\"', '"')


ODD_TEXTS = st.lists(
    st.text("<>\"'&/!-=|#[]abc{}%\u2028", min_size=1)
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    min_size=1,
    max_size=8,
)


def spoilt(rows: pl.DataFrame, texts: list[str], *columns: str) -> pl.DataFrame:
    """The rows with the texts in turn in these columns: a page takes long to draw, so each holds several."""
    return rows.with_columns(
        pl.Series(name, [texts[row % len(texts)] for row in range(rows.height)], pl.String)
        for name in columns
    )


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=ODD_TEXTS)
def test_any_name_leaves_the_page_whole(data: ReportData, tags: list[str], names: list[str]) -> None:
    models = spoilt(data.models, names, "model_id")
    exemplars = spoilt(data.exemplars, names, "model_id", "library_name")
    spoiled = replace(data, models=models, exemplars=exemplars, selection=names[-1])
    odd = Page(render_report(spoiled))
    assert [tag for tag, _ in odd.elements] == tags
    assert odd.specs[1]["datasets"]


def test_no_character_of_a_name_acts_on_what_is_around_it(data: ReportData) -> None:
    acting = "\u202e\u2066\u200f\x1b\x07\x9b"
    exemplars = spoilt(data.exemplars, [f"evil{acting}gnp.exe"], "model_id", "library_name")
    models = spoilt(data.models, [f"evil{acting}gnp.exe"], "model_id")
    text = render_report(replace(data, exemplars=exemplars, models=models, hub=f"a replica of {acting}"))
    parsed = Page(text)
    shown = " ".join([*parsed.texts, json.dumps(parsed.specs, ensure_ascii=False)])
    assert "evil gnp.exe" in shown
    assert not set(acting) & set(shown)
    assert not any(
        f"\\u{ord(character):04x}" in text.partition("window.vegaEmbed")[0] for character in acting
    )


def test_headings_captions_and_labels_are_there_for_those_who_cannot_see(data: ReportData) -> None:
    parsed = Page(render_report(data))
    tags = [tag for tag, _ in parsed.elements]
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attributes for attributes in parsed.all("th"))
    charts = [attributes for attributes in parsed.all("div") if attributes.get("class") == "chart"]
    labels = [chart["aria-label"] or "" for chart in charts]
    assert all(spec["description"] in label for label, spec in zip(labels, parsed.specs, strict=True))
    assert all(len(label) > 30 for label in labels)
    assert parsed.all("html") == [{"lang": "en"}]


def test_no_two_elements_share_an_id_and_every_inner_link_leads_somewhere(data: ReportData) -> None:
    parsed = Page(render_report(data))
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for a in parsed.all("a") if (a["href"] or "").startswith("#")} <= set(ids)


def test_without_findings_the_page_says_so(data: ReportData) -> None:
    text = Page(render_report(replace(data, findings=()))).text
    assert "There are too few scored cards" in text
    assert "No finding has been computed" in text
    assert "No regression has been computed" in text
    assert "No correlation could be estimated" in text


def test_findings_without_estimates_are_told_and_not_drawn(data: ReportData, finding: Make) -> None:
    empty: dict[str, object] = {"estimate": None, "ci_low": None, "ci_high": None, "p": None}
    findings = (
        finding(**empty),
        finding(**empty, outcome="log1p_likes", question="regression", estimator="huber"),
    )
    parsed = Page(render_report(replace(data, findings=findings)))
    assert "Nothing can be said about score and downloads" in parsed.text
    assert "No correlation could be estimated" in parsed.text
    assert "line" not in {layer["mark"]["type"] for layer in parsed.specs[1]["layer"]}


def test_without_a_usable_slope_the_chart_tells_the_correlation(data: ReportData) -> None:
    says = [spec["description"] for spec in Page(render_report(data)).specs]
    assert "Huber regression" in says[1]
    assert "no clear association between score and likes (Spearman" in says[2]


def test_numbers_that_are_no_numbers_do_not_reach_the_charts(data: ReportData, finding: Make) -> None:
    nan = float("nan")
    odd = finding(estimate=nan, ci_low=nan, ci_high=float("inf"))
    text = render_report(replace(data, findings=(odd, finding(outcome="likes"))))
    assert "NaN" not in json.dumps(Page(text).specs)


def test_no_failures_are_said_plainly(data: ReportData) -> None:
    assert "Nothing failed" in Page(render_report(replace(data, failures=data.failures.clear()))).text
    assert "Nothing failed" not in Page(render_report(data)).text


def test_no_likes_at_all_are_said_plainly(data: ReportData) -> None:
    none = data.models.with_columns(pl.lit(0).alias("likes"))
    assert (
        "None of 760 models with a score has any likes"
        in Page(render_report(replace(data, models=none))).text
    )


def test_outcomes_that_the_hub_did_not_give_are_said_plainly(data: ReportData) -> None:
    unknown = data.models.with_columns(pl.lit(None, dtype=pl.Int64).alias("downloads"))
    text = Page(render_report(replace(data, models=unknown))).text
    assert "No model has both a score and a number of downloads" in text


@pytest.mark.parametrize("n", [0, 1, 4])
def test_hardly_any_models_make_a_page(invented_warehouse: Warehouse, n: int) -> None:
    parsed = Page(render_report(read(invented_warehouse(n))))
    assert "No card of this snapshot has a score yet" in parsed.text or n == 4
    assert f"{n} by " in parsed.text


def test_a_snapshot_without_verdicts_makes_a_page(invented_warehouse: Warehouse) -> None:
    db = invented_warehouse(200)
    db.execute("delete from base.verdicts")
    text = Page(render_report(read(db))).text
    assert "No card of this snapshot has a score yet" in text
    assert "No library has 30 models with a score" in text


def test_a_snapshot_that_is_not_there_is_an_error_that_names_it(invented_warehouse: Warehouse) -> None:
    db = invented_warehouse(5)
    data = read(db)
    with pytest.raises(UsageError, match="judged by other"):
        read_report_data(db, snapshot=data.snapshot, fingerprint="other")


def test_the_judge_is_read_whole(data: ReportData) -> None:
    assert isinstance(data.judge, JudgeRecord)
    assert (data.judge.judge, data.judge.rubric, data.judge.snapshot) == ("checklist", "r1", data.snapshot)


def test_the_page_takes_its_place_at_once_and_leaves_nothing_beside_it(
    data: ReportData, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "report.html"
    write_report(data, path)
    assert path.read_text(encoding="utf-8") == render_report(data)
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_a_page_that_cannot_be_rendered_leaves_the_old_one(
    data: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def broken(data: ReportData) -> str:
        return "\ud800"

    monkeypatch.setattr(page, "render_report", broken)
    with pytest.raises(UnicodeEncodeError):
        write_report(data, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(data: ReportData, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotWritten, match=r"report\.html"):
        write_report(data, tmp_path / "file" / "report.html")


# The judge


def test_the_page_says_which_judge_exactly_and_how_fast_it_was(judged: ReportData) -> None:
    text = Page(render_report(judged)).text
    assert "Judge vllm:reader Judge model org/reader Revision not stated Engine vllm 0.32.0" in text
    assert "Score mode expected Longest card 6,000 tokens; longer cards are cut to head and tail" in text
    assert "mean over the probabilities" in text
    assert "cards per second 24.0 600 texts in 25 s on 2 servers" in text
    assert "tokens per second 38,400 80 % of prompts from a cache" in text
    assert "tokens read per card 1,500 100 written" in text
    assert "cards without a score" in text
    assert "With CARDIOGRAPH_GPU_HOUR_PRICE set" in text


def test_the_cost_is_told_where_a_price_is(judged: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_GPU_HOUR_PRICE", "3.6")
    # Two GPUs for 25 seconds are 0.05 for six hundred cards.
    text = Page(render_report(judged)).text
    assert "cost of a thousand cards 0.0833 2 GPUs at 3.60 per hour" in text
    assert "With CARDIOGRAPH_GPU_HOUR_PRICE set" not in text


def test_a_passport_is_told_drawn_and_tabled(judged: ReportData) -> None:
    parsed = Page(render_report(judged))
    assert "quadratic weighted kappa of 0.71 (95 % interval 0.61 to 0.81)" in parsed.text
    assert "scores 0.30 points below people" in parsed.text
    assert "farthest apart on purpose (0.62)" in parsed.text
    assert "Attacks by family: share raised" in parsed.text
    assert "−0.40 to −0.20" in parsed.text
    assert "Nobody has compared" not in parsed.text
    (drawn,) = (spec for spec in parsed.specs if "Judge and people" in spec["description"])
    rows = next(rows for rows in drawn["datasets"].values() if "series" in rows[0])
    assert [(row["row"], row["series"]) for row in rows] == [
        ("Overall score", "judge and people"),
        ("Overall score", "two people"),
        ("Purpose", "judge and people"),
    ]


def test_what_a_judge_notices_is_told_drawn_and_tabled(judged: ReportData) -> None:
    parsed = Page(render_report(judged))
    assert "as it must in 80 % of 120 trials" in parsed.text
    assert "raises its score by 0.04 points on average, 0.40 of its own standard deviations" in parsed.text
    assert "Not tried out" not in parsed.text
    (drawn,) = (spec for spec in parsed.specs if "noticed most often" in spec["description"])
    rows = next(rows for rows in drawn["datasets"].values() if "series" in rows[0])
    assert [(row["row"], row["series"]) for row in rows] == [
        ("Purpose", "evidence came or went"),
        ("Purpose", "something else was edited"),
        ("Evaluation", "evidence came or went"),
    ]
    bare = replace(judged, judging=replace(judged.judging, passport=()))
    assert "cardiograph passport --judge vllm" in Page(render_report(bare)).text


def test_a_passport_without_intervals_is_not_drawn(judged: ReportData) -> None:
    blurred = tuple(replace(entry, ci_low=None) for entry in judged.judging.passport)
    spoiled = replace(judged, judging=replace(judged.judging, passport=blurred))
    assert figures.every(spoiled)["agreement"] == []
    assert judge_section(spoiled, Settings())["has_passport"]


def test_without_a_passport_the_page_says_so_and_how_to_get_one(data: ReportData) -> None:
    text = Page(render_report(data)).text
    assert "Nobody has compared this judge with people yet." in text
    assert "Not tried out: nobody knows what this judge notices." in text
    assert "cardiograph label labels.csv" in text
    assert "cardiograph calibrate labels.csv : it measures" in text
    bare = replace(data, judge=replace(data.judge, judge="vllm:m", model="org/m"))
    assert "cardiograph calibrate labels.csv --judge vllm" in Page(render_report(bare)).text


def test_other_judges_are_told_and_drawn_never_averaged_into_the_scores(judged: ReportData) -> None:
    parsed = Page(render_report(judged))
    assert "The checklist judged this snapshot too." in parsed.text
    assert (
        "The judge changed on 21 November 2026: before, it was the judge model reader (bbbbbbbb)"
        in parsed.text
    )
    assert "The judge model reader compared with the checklist" in parsed.text
    assert "The cards on which the judges disagree most" in parsed.text
    cells = [spec for spec in parsed.specs if "fall into the same half point" in spec["description"]]
    assert len(cells) == 2
    assert judged.counts.median_score == judged.models["score"].median()


def test_one_judge_alone_has_nobody_beside_it(data: ReportData) -> None:
    text = Page(render_report(data)).text
    assert "Other judges" not in text
    assert "disagree most" not in text
    assert "Scores explained" not in text


def test_explained_scores_show_what_stands_in_the_card_and_nothing_else(judged: ReportData) -> None:
    text = Page(render_report(judged)).text
    assert "Scored best: owner-" in text
    assert "In the middle: owner-" in text
    assert "Scored worst: owner-" in text
    assert "Purpose 2 “as the card says a model of words” say more a model of words" in text
    assert "Evaluation 2 – say more" in text  # its quote stands in no card
    # Criteria come in the rubric's order, not by name.
    assert text.index("Purpose 2 “") < text.index("Quick start 2 “") < text.index("Evaluation 2 –")


def test_a_judge_that_had_nothing_to_do_has_no_speed(invented_warehouse: Warehouse) -> None:
    db = invented_warehouse(200, judge_model=True)
    db.execute("delete from base.judged_parts")
    text = Page(render_report(read(db))).text
    assert "No speed is known" in text
    assert "cards per second" not in text


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=ODD_TEXTS)
def test_whatever_a_judge_is_called_or_says_the_page_is_whole(
    judged: ReportData, judged_tags: list[str], texts: list[str]
) -> None:
    judging, text = judged.judging, texts[-1]
    spoiled = replace(
        judged,
        judge=replace(judged.judge, judge=text, model=text, settings=text),
        judging=replace(
            judging,
            others=judging.others.with_columns(pl.lit(text).alias("judge")),
            # One name, for explanations are listed by model.
            explanations=spoilt(judging.explanations, texts, "quote", "improvement").with_columns(
                pl.lit(text).alias("model_id")
            ),
        ),
    )
    assert _but_terms(Page(render_report(spoiled))) == judged_tags


def _but_terms(parsed: Page) -> list[str]:
    """Settings of a judge that cannot be read are left out, with the terms that they would have filled."""
    return [tag for tag, _ in parsed.elements if tag not in ("div", "dt", "dd")]


def test_a_late_snapshot_and_a_released_one_say_so(data: ReportData) -> None:
    odd = replace(data, days_late=3, release_reason="<b>it is so</b>")
    page = render_report(odd)
    assert "crawled 3 days late: its numbers are of that day" in page
    assert "was released: &lt;b&gt;it is so&lt;/b&gt;" in page
    usual = render_report(data)
    assert "late:" not in usual
    assert "released:" not in usual
