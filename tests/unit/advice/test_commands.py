"""`card`, `check` and `history` as people and programs call them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from flows.cli.app import main
from tasks.records import CardRead, JudgeRecord, ListedModel, Verdict
from tasks.replica.process import running_replica
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse

Typed = Callable[..., tuple[int, str, str]]
FIRST, SECOND = date(2026, 1, 5), date(2026, 1, 12)
CARD = "---\nlicense: MIT\n---\n# Heron\n\nTells the calls of herons apart.\n"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("check", path)`: the exit code and what was printed, by the entry point in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardiograph", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card in the working directory, without any home."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(CARD)
    return tmp_path / "README.md"


def test_a_card_is_scored_without_network_and_warehouse(readme: Path, typed: Typed) -> None:
    code, out, err = typed("card", "README.md")
    assert (code, err) == (0, "")
    assert out.startswith("README.md: ")
    assert "license-unknown" in out
    assert "Not known" in out
    assert out.count("█") > 0


def test_json_has_the_same_score(readme: Path, typed: Typed) -> None:
    code, out, _ = typed("card", "README.md", "--json")
    advice = json.loads(out)
    assert (code, advice["schema"], advice["surroundings"]) == (0, 1, None)
    assert f"{advice['score']:.2f} of 5" in typed("card", "README.md")[1]


def test_fix_changes_the_file_and_a_second_time_nothing(readme: Path, typed: Typed) -> None:
    readme.chmod(0o640)
    assert "+license: mit" in typed("card", "README.md", "--diff")[1]
    assert readme.read_text() == CARD
    _, _, err = typed("card", "README.md", "--fix")
    assert "license-unknown" in err
    assert readme.read_text() == CARD.replace("MIT", "mit")
    assert readme.stat().st_mode & 0o777 == 0o640
    _, _, err = typed("card", "README.md", "--fix")
    assert "Nothing that is certain" in err
    assert [path.name for path in readme.parent.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("card", "absent.md"), "absent.md: No such file"),
        (("card", "."), "no README.md in this folder"),
        (("card",), "name a README.md, a folder or a model"),
        (("card", "README.md", "--org", "heron"), "or --org"),
        (("check", "."), "no README.md in this folder or below it"),
        (("check", ".", "--select", "nonsense"), "no rule is called 'nonsense'"),
        (("history", "a/b"), "warehouse"),
        (("history", "a/b", "--chart", "x.pdf"), "ends with .svg or .png"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_a_remedy(
    words: tuple[str, ...], said: str, tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert said in err


def test_check_ends_with_0_with_1_for_findings_and_below_the_bar(readme: Path, typed: Typed) -> None:
    assert typed("check")[0] == 1
    assert typed("check", "--ignore", "license-unknown")[0] == 0
    code, out, _ = typed("check", "--ignore", "license-unknown", "--min", "4.9")
    assert code == 1
    assert "below 4.9" in out
    assert typed("check", "--select", "placeholder")[0] == 0
    code, out, _ = typed("check", "--select", "data_named")
    assert (code, "data_named" in out) == (1, True)


def test_the_settings_of_a_repository_count_and_options_go_before_them(readme: Path, typed: Typed) -> None:
    (readme.parent / "cardiograph.toml").write_text("min = 4.9\nignore = ['license-unknown']\n")
    assert typed("check")[0] == 1
    assert typed("check", "--min", "1")[0] == 0


def test_every_form_of_check_is_printed_for_every_card_below(readme: Path, typed: Typed) -> None:
    (readme.parent / "b").mkdir()
    (readme.parent / "b/README.md").write_text("# B\n")
    (readme.parent / ".venv").mkdir()
    (readme.parent / ".venv/README.md").write_text("# not ours\n")
    _, out, _ = typed("check", "--json")
    assert [advice["card"] for advice in json.loads(out)] == ["README.md", "b/README.md"]
    _, out, _ = typed("check", "--format", "sarif")
    assert json.loads(out)["version"] == "2.1.0"
    _, out, _ = typed("check", "--format", "github")
    assert all(line.startswith("::") for line in out.splitlines())


# ------------------------------------------------------------------------------------------------ with a home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of twelve models; the card of one of them became better."""
    home = tmp_path_factory.mktemp("home")
    lake = Lake(home)
    for week, texts in ((FIRST, ["h0"] * 12), (SECOND, ["h1", *["h0"] * 11])):
        at = datetime(week.year, week.month, week.day, 9)
        listed = [
            ListedModel(
                week,
                f"ada/m{n}",
                "ada",
                f"{text}{n}",
                at,
                at,
                10 + n,
                1,
                n,
                None,
                [],
                "peft",
                "ner",
                None,
                True,
                None,
                [],
            )
            for n, text in enumerate(texts)
        ]
        reads = [
            CardRead(week, f"ada/m{n}", f"{text}{n}", "card", None, text, CARD if n < 2 else None, read_at=at)
            for n, text in enumerate(texts)
        ]
        lake.write(f"listing/{week}/page-00000.parquet", ListedModel, listed)
        lake.write(f"cards/{week}/part-0.parquet", CardRead, reads)
        lake.write(
            f"snapshots/{week}.parquet", SnapshotRecord, [SnapshotRecord(week, "x", "all models", 12, at, at)]
        )
        judge = JudgeRecord(week, "f1", "checklist", "r", None, None, "{}", at)
        lake.write(f"judges/{week}/f1.parquet", JudgeRecord, [judge])
    verdicts = [
        Verdict(
            "h0", "checklist", "f1", 2.0, "checks", {"purpose": 2.0}, ["license_given"], ["data_named"], []
        ),
        Verdict(
            "h1", "checklist", "f1", 3.0, "checks", {"purpose": 3.0}, ["license_given", "data_named"], [], []
        ),
    ]
    lake.write("verdicts/f1/part-0.parquet", Verdict, verdicts)
    warehouse = Warehouse(home)
    with warehouse.writer():
        warehouse.begin()
        warehouse.publish(always=True)
    return home


def test_a_model_of_the_home_is_compared_with_its_peers(home: Path, typed: Typed) -> None:
    code, out, err = typed("card", "ada/m0", "--home", home, "--json")
    assert (code, err) == (0, "")
    advice = json.loads(out)
    assert advice["model_id"] == "ada/m0"
    peers = advice["surroundings"]["peers"]
    assert (peers["alike"], peers["models"]) == ("all", 11)  # the card names neither library nor pipeline tag
    _, out, _ = typed("card", "ada/m0", "--home", home)
    assert "Among all other 11 scored models (snapshot of" in out


def test_the_history_of_a_model_says_what_a_change_brought(home: Path, typed: Typed, tmp_path: Path) -> None:
    chart = tmp_path / "course.svg"
    code, out, _ = typed("history", "ada/m0", "--home", home, "--chart", chart)
    assert code == 0
    assert f"{SECOND}: the card changed" in out
    assert "+ names the data" in out
    assert chart.read_text().startswith("<svg")
    _, out, _ = typed("history", "ada/m1", "--home", home, "--json")
    assert [week["has_new_card"] for week in json.loads(out)] == [False, False]


def test_all_cards_of_an_author_are_ranked_by_what_they_would_gain(home: Path, typed: Typed) -> None:
    _, out, _ = typed("card", "--org", "ada", "--home", home, "--json")
    shelf = json.loads(out)
    assert len(shelf["cards"]) == 12
    assert shelf["cards"][-1]["model_id"] == "ada/m0"
    assert shelf["failing"] == [["data_named", 11]]


def test_a_model_of_the_hub_is_read_with_one_request_for_its_card(
    tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.demo import write_demo_corpus

    monkeypatch.chdir(tmp_path)
    corpus = tmp_path / "corpus.parquet"
    write_demo_corpus(corpus, models=30, weeks=1, seed=3, end=SECOND)
    with running_replica(corpus) as url:
        import polars as pl

        with_card = pl.read_parquet(corpus).filter(pl.col("card_text").str.len_chars() > 500)["model_id"][0]
        code, out, err = typed("card", with_card, "--hub", url, "--json")
        assert (code, err) == (0, "")
        assert json.loads(out)["model_id"] == with_card
        code, _, err = typed("card", "no/such-model", "--hub", url)
        assert (code, "no such model" in err) == (2, True)
