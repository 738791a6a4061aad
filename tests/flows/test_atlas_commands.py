"""`neighbours` and `atlas`, as a person types them, over a home whose lake holds a map."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import polars as pl
import pytest

from tasks.engine.child import free_port, stop, wait_until
from tasks.records import (
    Atlas,
    AtlasPoint,
    CardFacts,
    CardKind,
    CardRead,
    EmbedderRecord,
    Embedding,
    JudgeRecord,
    KindName,
    ListedModel,
    Neighbour,
    Verdict,
)
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse

Typed = Callable[..., subprocess.CompletedProcess[str]]
WEEK, NOW = date(2026, 1, 5), datetime(2026, 1, 5, 9)
HOSTILE = "eve/\x1b[2J[red]:skull:[/]"
# Model, its text, score (null: no verdict), checks passed and failed, sections filled.
CARDS: list[tuple[str, str, float | None, list[str], list[str], list[str]]] = [
    ("ada/mine", "mine", 2.0, ["has_snippet"], ["data_named", "has_sections"], ["how_to_use"]),
    ("ada/good", "good", 4.5, ["data_named", "has_sections"], [], ["how_to_use", "limitations"]),
    ("bob/fair", "fair", 3.0, ["data_named"], ["has_sections"], []),
    ("bob/poor", "poor", 1.0, [], ["data_named"], []),
    (HOSTILE, "evil", 2.5, [], [], []),
    ("eve/mute", "mute", None, [], [], []),
    ("eve/short", "short", 1.0, [], [], []),
]
PLACED = ["mine", "good", "fair", "poor", "evil", "mute"]


def write_week(lake: Lake) -> None:
    """A judged week; one model has no card, and one a card that is too short."""
    listed = ListedModel(
        WEEK, "x", "x", "s", NOW, NOW, 5, 5, 1, None, [], "peft", "fill-mask", None, True, None, []
    )
    names = [name for name, *_ in CARDS]
    models = [
        dataclasses.replace(listed, model_id=name, author=name.split("/")[0], sha=f"s{n}", downloads=n)
        for n, name in enumerate([*names, "eve/bare"])
    ]
    models[-1] = dataclasses.replace(models[-1], has_readme=False)
    lake.write("listing/w/p.parquet", ListedModel, models)
    lake.write("snapshots/w.parquet", SnapshotRecord, [SnapshotRecord(WEEK, "x", "all models", 8, NOW, NOW)])
    reads = [
        CardRead(WEEK, name, f"s{n}", "card", None, text, f"text {text}", read_at=NOW)
        for n, (name, text, *_) in enumerate(CARDS)
    ]
    lake.write("cards/w/a.parquet", CardRead, reads)
    lake.write(
        "judges/w-f.parquet", JudgeRecord, [JudgeRecord(WEEK, "f", "checklist", "r", None, None, "{}", NOW)]
    )
    mute = Verdict("mute", "checklist", "f", None, None, {}, [], [], [], "mute", "says nothing")
    verdicts = [
        dataclasses.replace(
            mute, card_hash=text, score=score, score_mode="checks", passed=passed, failed=failed, reason=None
        )
        for _, text, score, passed, failed, _ in CARDS
        if score
    ]
    verdicts.append(mute)
    lake.write("verdicts/f/a.parquet", Verdict, verdicts)
    facts = [
        CardFacts(text, 1, "t1", 300, 50, 40, 1, 0, 0, 0, 0, False, None, [], sections, None, False)
        for _, text, _, _, _, sections in CARDS
    ]
    lake.write("facts/v1/a.parquet", CardFacts, facts)


def write_map(lake: Lake) -> None:
    """A map of two kinds of that week's cards."""
    lake.write("embedders/w-e.parquet", EmbedderRecord, [EmbedderRecord(WEEK, "e", "n", "w", "{}", NOW)])
    embeddings = [Embedding(text, "e", [], [], 2 if text in PLACED else 0, 9, False) for _, text, *_ in CARDS]
    lake.write("embeddings/e/a.parquet", Embedding, embeddings)
    made = Atlas(WEEK, "e", WEEK, 6, 0, 2, 0.2, 0.0, 0.9, 0.9, 0.9, None, "{}", NOW)
    lake.write("atlases/w.parquet", Atlas, [made])
    points = [
        AtlasPoint(WEEK, text, n, -n, None if text == "mute" else n % 2, 0.9, True, f"words {text}", NOW)
        for n, text in enumerate(PLACED)
    ]
    lake.write("atlas_points/w.parquet", AtlasPoint, points)
    kinds = [
        CardKind(
            WEEK, 0, 3, 0.5, 0.5, 0.9, ["gguf", "\x1b[2Jquant", "llama", "fourth"], "conversion", "…", NOW
        ),
        CardKind(WEEK, 1, 2, 1.5, 1.5, 0.4, ["[bold]bert"], "lab", "…", NOW),
    ]
    lake.write("kinds/w.parquet", CardKind, kinds)
    given = [
        KindName(WEEK, 0, "terms", "Quants", "", None, NOW),
        KindName(WEEK, 1, "a" * 16, "Labs", "", None, NOW),
    ]
    lake.write("kind_names/w-t.parquet", KindName, given)
    near = [
        Neighbour(WEEK, "mine", text, place, 1 - place / 10, NOW)
        for place, text in enumerate(["poor", "fair", "good", "evil", "mute"], 1)
    ]
    near += [Neighbour(WEEK, "good", "mine", 1, 0.7, NOW), Neighbour(WEEK, "mute", "mine", 1, 0.5, NOW)]
    lake.write("neighbours/w.parquet", Neighbour, near)


def publish(home: Path) -> None:
    warehouse = Warehouse(home)
    with warehouse.writer():
        warehouse.begin()
        warehouse.publish()


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `home` is a copy of."""
    home = tmp_path_factory.mktemp("mapped")
    write_week(Lake(home))
    write_map(Lake(home))
    publish(home)
    return home


@pytest.fixture
def home(mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CARDIOGRAPH_LAKE", raising=False)
    return shutil.copytree(mapped, tmp_path / "home")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A home that was never mapped."""
    home = tmp_path / "bare"
    write_week(Lake(home))
    publish(home)
    return home


def fine(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a person sees."""
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    return line


# neighbours


def test_neighbours_shows_kind_score_the_nearest_and_what_better_ones_contain(
    typed: Typed, home: Path
) -> None:
    output = fine(typed("neighbours", "ada/mine", "--home", home))
    assert output.startswith("ada/mine: score 2.00 of 5; Quants (conversion); map of 2026-01-05\n")
    rows = [line.split() for line in output.splitlines() if line.startswith(("bob/", "ada/good"))]
    assert rows[0] == ["bob/poor", "bob", "0.900", "1.00", "1", "3", "Labs"]
    assert [row[0] for row in rows] == ["bob/poor", "bob/fair", "ada/good"]
    assert "  ada/good, 4.50: 2 checks and 1 section that this card lacks" in output
    assert (
        "2 of 3 better neighbours do name or link the data that the model was trained on; this card does not."
        in output
    )
    assert "→ Name the training data and link the data set on the Hub." in output
    assert "1 of 3 better neighbours does better here: Is the card divided by headings" in output
    assert "Sections that they fill and this card leaves out\n  Limitations" in output
    assert output.index("name or link the data") < output.index("divided by headings")


def test_neighbours_are_no_more_than_the_limit(typed: Typed, home: Path) -> None:
    output = json.loads(fine(typed("neighbours", "ada/mine", "--limit", "2", "--home", home, "--json")))
    assert [near["model_id"] for near in output["neighbours"]] == ["bob/poor", "bob/fair"]
    assert output["better"] == ["bob/fair"]


def test_neighbours_as_json_have_everything(typed: Typed, home: Path) -> None:
    output = json.loads(fine(typed("neighbours", "ada/mine", "--home", home, "--json")))
    assert output["snapshot"] == "2026-01-05"
    assert output["model"]["kind_name"] == "Quants"
    assert output["neighbours"][0]["similarity"] == pytest.approx(0.9)
    assert output["better"] == output["best"] == ["ada/good", "bob/fair", HOSTILE]
    differences = {d["id"]: (d["group"], d["models"]) for d in output["differences"]}
    assert differences == {
        "data_named": ("Training and data", ["ada/good", "bob/fair"]),
        "has_sections": ("Structure", ["ada/good"]),
        "limitations": ("Sections", ["ada/good"]),
    }


def test_a_hostile_name_reaches_the_terminal_as_plain_text(typed: Typed, home: Path) -> None:
    output = fine(typed("neighbours", "ada/mine", "--home", home))
    assert "\x1b" not in output
    assert output.count("eve/�[2J[red]:skull:[/]") == 2  # in the table, and among the best
    assert "\x1b" not in fine(typed("neighbours", HOSTILE, "--home", home))
    assert "\x1b" not in fine(typed("neighbours", "ada/mine", "--home", home, "--json"))


def test_the_best_documented_has_nobody_to_learn_from(typed: Typed, home: Path) -> None:
    assert "None of them is better documented than ada/good." in fine(
        typed("neighbours", "ada/good", "--home", home)
    )


def test_a_model_without_a_score_is_not_compared(typed: Typed, home: Path) -> None:
    output = fine(typed("neighbours", "eve/mute", "--home", home))
    assert "eve/mute: no score; of no kind; map of" in output
    assert "eve/mute has no score, so it cannot be compared with them." in output


def test_a_model_with_no_neighbour_says_so(typed: Typed, home: Path) -> None:
    assert "No other card is on the map." in fine(typed("neighbours", "bob/poor", "--home", home))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("ada/mnie", "no model ada/mnie in the map of 2026-01-05; did you mean: ada/mine"),
        ("good", "no model good in the map of 2026-01-05; did you mean: ada/good"),
        (
            "\x1b[2Jzzzz",
            "no model �[2Jzzzz in the map of 2026-01-05; `cardiograph query 'from out_atlas'` lists",
        ),
        ("eve/bare", "eve/bare has no card in the snapshot of 2026-01-05"),
        (
            "eve/short",
            "the card of eve/short is too short to be placed on the map: it has under 200 characters",
        ),
    ],
)
def test_for_a_model_without_a_place_the_reason_is_given(
    typed: Typed, home: Path, model: str, message: str
) -> None:
    line = refused(typed("neighbours", model, "--home", home))
    assert message in line
    assert "\x1b" not in line


def test_a_hostile_name_is_not_suggested_as_it_is(typed: Typed, home: Path) -> None:
    line = refused(typed("neighbours", HOSTILE + "x", "--home", home))
    assert "did you mean: eve/�[2J[red]:skull:[/]" in line


@pytest.mark.parametrize(
    "words", [["neighbours", "ada/mine"], ["atlas", "names"], ["atlas", "export", "x.parquet"]]
)
def test_a_home_without_a_map_says_how_to_make_one(typed: Typed, bare: Path, words: list[str]) -> None:
    line = refused(typed(*words, "--home", bare))
    assert f"no map in {bare}; install cardiograph[atlas] and run `cardiograph snapshot`" in line


# names


def test_the_kinds_are_listed_with_names_and_figures(typed: Typed, home: Path) -> None:
    output = fine(typed("atlas", "names", "--home", home))
    assert "Kinds of the map of 2026-01-05" in output
    rows = {line.split()[0]: line for line in output.splitlines()[2:]}
    for expected in ("Quants", "terms", "conversion", "50\u202f%", "0.90", "gguf, �[2Jquant, llama"):
        assert expected in rows["0"]
    assert "fourth" not in output
    for expected in ("Labs", "judge aaaaaaaa", "0.40 unstable", "[bold]bert"):
        assert expected in rows["1"]
    assert "\x1b" not in output


def test_the_kinds_as_json_have_all_that_is_known(typed: Typed, home: Path) -> None:
    kinds = json.loads(fine(typed("atlas", "names", "--home", home, "--json")))
    assert [(k["kind"], k["name"], k["named_by"], k["models"]) for k in kinds] == [
        (0, "Quants", "terms", 3),
        (1, "Labs", "a" * 16, 2),
    ]


def named(home: Path) -> dict[int, tuple[str, str]]:
    with Warehouse(home).read() as db:
        rows = db.execute("select kind, name, named_by from out_clusters").fetchall()
    return {kind: (name, by) for kind, name, by in rows}


def test_a_persons_names_are_published_and_giving_them_again_adds_nothing(
    typed: Typed, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "names.csv"
    file.write_text('kind,name,description\n1,"Research, papers",From labs\n', encoding="utf-8-sig")
    assert fine(typed("atlas", "names", file, "--home", home)) == "Named 1 kind.\n"
    assert named(home) == {0: ("Quants", "terms"), 1: ("Research, papers", "person")}
    parts = Lake(home).parts("kind_names")
    assert [part for part in parts if part.startswith("kind_names/2026-01-05-person-")]
    assert fine(typed("atlas", "names", file, "--home", home)) == "These names are in place already.\n"
    assert Lake(home).parts("kind_names") == parts


def test_a_persons_names_are_on_the_page_of_the_map(typed: Typed, home: Path, tmp_path: Path) -> None:
    fine(typed("report", "--home", home))
    assert "Research" not in (home / "atlas.html").read_text(encoding="utf-8")
    file = tmp_path / "names.csv"
    file.write_text("kind,name\n1,Research\n")
    fine(typed("atlas", "names", file, "--home", home))
    assert "Research" in (home / "atlas.html").read_text(encoding="utf-8")


def test_the_map_is_among_the_pictures_of_the_report(typed: Typed, home: Path, tmp_path: Path) -> None:
    line = fine(typed("report", "--home", home, "--pictures", tmp_path / "pictures"))
    picture = tmp_path / "pictures" / "map.png"
    assert str(picture) in line.splitlines()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_going_back_to_an_earlier_name_counts(typed: Typed, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    for name in ("One", "Two", "One", "Two"):
        file.write_text(f"kind,name\n0,{name}\n")
        assert fine(typed("atlas", "names", file, "--home", home)) == "Named 1 kind.\n"
        assert named(home)[0] == (name, "person")


def test_names_given_while_another_run_writes_are_kept_for_it(
    typed: Typed, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "names.csv"
    file.write_text("kind,name,description\n0,Mine,\n")
    with Warehouse(home).writer():
        assert "Another run is writing" in fine(typed("atlas", "names", file, "--home", home))
    assert named(home)[0] == ("Quants", "terms")
    publish(home)
    assert named(home)[0] == ("Mine", "person")


def test_names_that_cannot_be_used_change_nothing(typed: Typed, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("kind,name,description\n0,Mine,\n9,None,\n")
    line = refused(typed("atlas", "names", file, "--home", home))
    assert f"{file}: line 3: no kind 9 on the map; `cardiograph atlas names` lists its kinds" in line
    assert Lake(home).parts("kind_names") == ["kind_names/w-t.parquet"]
    assert "--json is for the list" in refused(typed("atlas", "names", file, "--json", "--home", home))


# the file, and the viewer


def test_the_map_is_exported_with_neighbours_as_rows_of_the_file(
    typed: Typed, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "map.parquet"
    assert "6 models." in fine(typed("atlas", "export", path, "--home", home))
    rows = pl.read_parquet(path)
    assert rows.columns == [
        "model_id", "x", "y", "kind", "archetype", "score", "downloads", "likes", "library", "format",
        "words", "url", "neighbours",
    ]  # fmt: skip
    (mine,) = rows.filter(pl.col("model_id") == "ada/mine").to_dicts()
    assert [rows["model_id"][place] for place in mine["neighbours"]["ids"]] == [
        "bob/poor", "bob/fair", "ada/good", HOSTILE, "eve/mute",
    ]  # fmt: skip
    assert mine["neighbours"]["distances"] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_one_line(typed: Typed, home: Path, tmp_path: Path) -> None:
    assert "does not end in .parquet" in refused(
        typed("atlas", "export", tmp_path / "map.csv", "--home", home)
    )
    (tmp_path / "a-file").write_text("")
    done = typed("atlas", "export", tmp_path / "a-file" / "map.parquet", "--home", home)
    assert done.returncode == 1
    assert "map.parquet: cannot be written" in done.stderr


def test_a_viewer_that_is_not_installed_says_how(
    typed: Typed, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.cli.atlas.find_spec", lambda _: None)
    line = refused(typed("atlas", "serve", "--home", home))
    assert "embedding-atlas is not installed; `pip install 'cardiograph[viewer]'`" in line
    assert not (home / "atlas.parquet").exists()


@pytest.mark.skipif(not find_spec("embedding_atlas"), reason="needs the extra `viewer`")
def test_the_viewer_serves_the_map_on_loopback_and_ends_with_the_command(home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["atlas", "serve", "--home", str(home), "--port", str(port)]
    log = home / "serve.log"
    with log.open("wb") as out:
        command = subprocess.Popen([sys.executable, "-m", "flows.cli", *words], stdout=out, stderr=out)

        def is_announced() -> bool:
            return f"{url}/ shows the map".encode() in log.read_bytes()

        try:
            assert wait_until(is_announced, command, within_s=120), log.read_text()
            with urlopen(url) as page:
                assert b"<html" in page.read()
            with urlopen(f"{url}/data/metadata.json") as answer:
                assert "neighbours" in answer.read().decode()
            with urlopen(f"{url}/data/dataset.parquet") as answer:
                assert pl.read_parquet(answer.read())["model_id"].len() == 6
            command.send_signal(2)
            assert command.wait(30) == 130, log.read_text()
            assert "cardiograph: stopped; run the same command to resume" in log.read_text()
        finally:
            stop(command, within_s=10)
    with pytest.raises(OSError, match="refused"):
        urlopen(url)
