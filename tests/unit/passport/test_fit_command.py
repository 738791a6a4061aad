"""`cardiograph calibrate --fit`: a judge of its own is kept, published, printed and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner, Result

from flows.cli.calibrate import calibrate
from tasks.errors import LabelsInvalid, UsageError
from tasks.fitted import evaluating, reading
from tasks.fitted.fitting import LabelFit, expected_marks
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText, FittedJudge, FittedMeasure
from tasks.sentences.judges import fitted_sentences
from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse, frame

MakeHome = Callable[..., Path]

app = typer.Typer()
app.command()(calibrate)
app.command("other")(lambda: None)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One split and one draw: how good the figures are is tested elsewhere."""
    for name, value in (("SPLITS_MIN", 1), ("SPLITS_MAX", 1), ("CURVE_DRAWS", 1)):
        monkeypatch.setattr(evaluating, name, value)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, words)], env={"COLUMNS": "120"})


def marks_by_taste(demo_cards: list[tuple[str, str]], n: int) -> list[tuple[str, int]]:
    """Model ids with marks by raters who care for two checks, with some noise."""
    rng = np.random.default_rng(2)
    verdicts = ChecklistJudge().score(CardText(model_id, text) for model_id, text in demo_cards[:n])
    liked = [
        ("has_snippet" in v.passed) + 2 * ("limitations_stated" in v.passed) + rng.normal(0, 0.3)
        for v in verdicts
    ]
    levels = np.digitize(liked, np.quantile(liked, [0.3, 0.7])) + 2
    return [(model_id, int(mark)) for (model_id, _), mark in zip(demo_cards, levels, strict=False)]


@pytest.fixture
def labels(tmp_path: Path, demo_cards: list[tuple[str, str]]) -> Path:
    """Sixty labels by model id, of a rater with a name."""
    path = tmp_path / "labels.csv"
    lines = [f"{model_id},{mark},rater-grace" for model_id, mark in marks_by_taste(demo_cards, 60)]
    path.write_text("\n".join(["model_id,score,rater", *lines]))
    return path


def test_a_fitted_judge_is_published_once_and_its_scores_are_those_of_python(
    labels: Path, make_home: MakeHome
) -> None:
    home = make_home()
    for _ in range(2):
        done = run(labels, "--home", home, "--fit")
        assert done.exit_code == 0, done.exception
    with Warehouse(home).read() as db:
        (row,) = db.sql("from fitted_judges").pl().rows(named=True)
        found = dict(db.sql("select card_hash, agreement_score from fitted_scores").fetchall())
        cards = dict(db.sql("select card_hash, card_text from cards").fetchall())
        rubric = db.sql("select count(*) from verdicts where judge <> 'checklist'").fetchall()
    judge = FittedJudge(**row)
    assert judge.judge == f"fitted:{judge.labels[:8]}"
    assert rubric == [(0,)]
    verdicts = [v for v in ChecklistJudge().score(CardText(h, t) for h, t in cards.items()) if v.score]
    assert len(found) == len(verdicts) > 60
    assert [found[v.card_hash] for v in verdicts] == pytest.approx(expected_marks(judge, verdicts).tolist())
    assert 2 <= min(found.values()) < max(found.values()) <= 4


def test_neither_names_of_raters_nor_texts_are_kept(labels: Path, make_home: MakeHome) -> None:
    home = make_home()
    assert run(labels, "--home", home, "--fit").exit_code == 0
    lake = Lake(home)
    parts = [part for stage in ("fitted_judges", "fitted_measures") for part in lake.parts(stage)]
    assert len(parts) == 2
    for part in parts:
        words = pl.read_parquet(lake.path(part)).write_ndjson()
        assert "grace" not in words
        assert "# " not in words
    assert lake.parts("labels") == []


def test_json_has_the_judge_and_every_measure(labels: Path, make_home: MakeHome) -> None:
    done = run(labels, "--home", make_home(), "--fit", "--json")
    found = json.loads(done.stdout)
    assert set(found["judge"]["weights"]) >= {"has_snippet", "limitations_stated"}
    figures = {(m["probe"], m["scorer"], m["measure"]): m for m in found["measures"]}
    assert (
        figures["out_of_fold", "fitted", "auc"]["estimate"]
        > figures["out_of_fold", "length", "auc"]["estimate"]
    )
    assert figures["out_of_fold", "judge", "auc"]["gain"] is not None
    assert [m["learned_from"] for m in found["measures"] if m["probe"] == "curve"] == [10, 25]


def test_people_read_figures_weights_a_curve_and_a_caution(labels: Path, make_home: MakeHome) -> None:
    home, picture = make_home(), labels.parent / "curve.svg"
    done = run(labels, "--home", home, "--fit", "--curve", picture, "--try-on", labels)
    assert done.exit_code == 0, done.exception
    words = " ".join(done.stdout.split())
    for part in (
        "Agreement with these raters, on authors kept aside",
        "Agreement with the other labels",
        "What so many labels are worth",
        "limitations_stated +",
        "It is fitted to these raters, and says nothing of others",
        "learned from 60 texts",
    ):
        assert part in words
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_labels_of_zero_and_one_with_their_texts_need_no_snapshot(
    tmp_path: Path, demo_cards: list[tuple[str, str]]
) -> None:
    marks = marks_by_taste(demo_cards, 25)
    texts = dict(demo_cards)
    table = pl.DataFrame(
        {
            "card_text": [texts[model_id] for model_id, _ in marks],
            "author": [model_id.partition("/")[0] for model_id, _ in marks],
            "score": [mark > 2 for _, mark in marks],
        }
    )
    table.write_parquet(tmp_path / "labels.parquet")
    done = run(tmp_path / "labels.parquet", "--home", tmp_path / "new", "--fit", "--json")
    assert done.exit_code == 0, done.exception
    judge = json.loads(done.stdout)["judge"]
    assert (judge["lowest"], list(judge["thresholds"]), judge["without_author"]) == (0, ["1"], 0)


def test_verdicts_that_the_warehouse_has_are_not_asked_for_again(
    labels: Path, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home()

    def score(*_: object) -> None:
        raise AssertionError("the judge was asked")

    monkeypatch.setattr(ChecklistJudge, "score", score)
    assert run(labels, "--home", home, "--fit").exit_code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--curve", "x.svg"], "are for --fit"),
        (["--try-on", "x.csv"], "are for --fit"),
        (["--fit", "--min-kappa", "0.5"], "--min-kappa is about the passport"),
        (["--fit", "--subject", "style"], "choose from score, purpose"),
        (["--fit", "--curve", "x.pdf"], "must end with .svg or .png"),
    ],
)
def test_options_that_do_not_go_together_leave_with_two(
    labels: Path, tmp_path: Path, words: list[str], problem: str
) -> None:
    done = run(labels, "--home", tmp_path / "h", *words)
    assert isinstance(done.exception, UsageError)
    assert problem in str(done.exception)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["# A,ada,3"] * 3, "1 texts have a label"),
        ([f"# {n},author{n},3" for n in range(15)], "all 15 texts are labelled 3"),
        ([f"# {n},ada,{1 + n % 3}" for n in range(15)], "all 15 texts are by one author"),
    ],
)
def test_labels_that_teach_nothing_leave_with_two(tmp_path: Path, rows: list[str], problem: str) -> None:
    (tmp_path / "labels.csv").write_text("\n".join(["card_text,author,score", *rows]))
    done = run(tmp_path / "labels.csv", "--home", tmp_path / "h", "--fit")
    assert isinstance(done.exception, LabelsInvalid)
    assert problem in str(done.exception)
    assert done.exception.exit_code == 2


def test_a_curve_of_too_few_labels_is_refused_before_anything_is_kept(
    labels: Path, make_home: MakeHome
) -> None:
    home = make_home()
    few = labels.parent / "few.csv"
    few.write_text("\n".join(labels.read_text().splitlines()[:26]))
    done = run(few, "--home", home, "--fit", "--curve", "c.svg")
    assert isinstance(done.exception, LabelsInvalid)
    assert "25 labels are too few for a curve" in str(done.exception)
    assert Lake(home).parts("fitted_judges") == []


NOW = datetime(2026, 11, 16, 12)


def some_fit(low: float | None, gain_low: float | None) -> LabelFit:
    """With an AUC of 0.8 in an interval from `low` on, and a gain of 0.1 in one from `gain_low` on."""
    judge = FittedJudge(
        *("g1", "fitted:aaa", "checklist", "f1", "aaa", "score", "r", "passed"),
        *({"has_snippet": -1.5, "license_given": 0.5}, {"2": 0.0}, 1.0, 10.0, 40, 30, 3, NOW),
    )
    high = None if low is None else 0.9
    detail = None if low else "no interval: fewer than 10 authors"
    auc = FittedMeasure(
        *(
            "g1",
            "aaa",
            "out_of_fold",
            "fitted",
            "auc",
            32,
            40,
            0.8,
            low,
            high,
            None,
            None,
            None,
            20.0,
            detail,
            NOW,
        )
    )
    base = replace(
        auc,
        scorer="judge",
        estimate=0.7,
        gain=0.1,
        gain_low=gain_low,
        gain_high=None if gain_low is None else 0.2,
    )
    return LabelFit(
        judge, (auc, base, replace(auc, probe="curve", learned_from=10, estimate=0.75, ci_low=0.7))
    )


@pytest.mark.parametrize(
    ("low", "gain_low", "said", "unsaid"),
    [
        (0.75, 0.05, "The AUC is 0.100 above that of checklist as it is", "may be chance"),
        (0.75, -0.05, "That may be chance", "wide"),
        (0.5, 0.05, "The interval of the AUC is 0.40 wide: 40 labels do not say how good it is", "chance"),
        (None, None, "unknown (no interval: fewer than 10 authors); label cards of more authors", "wide"),
    ],
)
def test_what_is_uncertain_is_said(low: float | None, gain_low: float | None, said: str, unsaid: str) -> None:
    words = " ".join(reading.sentences(some_fit(low, gain_low), unscored=2))
    assert said in words
    assert unsaid not in words
    assert "Of 3 texts no author is known" in words
    assert "2 labelled texts have no score" in words


def test_weights_are_shown_with_their_signs_the_largest_first_and_the_curve_with_bars() -> None:
    fit = some_fit(0.75, 0.05)
    assert [row[1:] for row in reading.weight_rows(fit)] == [
        ("has_snippet", "−1.50"),
        ("license_given", "+0.50"),
    ]
    assert reading.curve_rows(fit) == [("10", "0.750", "0.700 to 0.900", "█" * 10)]
    assert reading.agreement_rows(fit) == [("AUC", "0.800 (0.750 to 0.900)", "0.700 (0.750 to 0.900)", "–")]


def test_the_report_says_in_one_sentence_that_there_is_such_a_judge(
    labels: Path, make_home: MakeHome
) -> None:
    home, judge = make_home(), ChecklistJudge().fingerprint
    with Warehouse(home).read() as db:
        assert fitted_sentences(frame(db, "out/fitted", fingerprint=judge).to_dicts()) == []
    assert run(labels, "--home", home, "--fit").exit_code == 0
    with Warehouse(home).read() as db:
        (sentence,) = fitted_sentences(frame(db, "out/fitted", fingerprint=judge).to_dicts())
    assert sentence.startswith("A judge fitted to one set of people’s labels (fitted:")
    assert "marks of 60 texts" in sentence
    assert sentence.endswith("it speaks for those people alone, and no figure here rests on it.")
