"""`cardiograph calibrate`: the passport is kept, published, printed, and held against a limit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows.cli.calibrate import calibrate, check_kappa, keep
from flows.cli.label import label
from tasks.errors import LabelsInvalid, PassportRefused, UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.passport.labels import read_labels
from tasks.passport.passport import examine, part_of
from tasks.records import CardText, PassportEntry
from tasks.storage.warehouse import Warehouse, findings_part

MakeHome = Callable[..., Path]

app = typer.Typer()
app.command()(calibrate)
app.command()(label)


@pytest.fixture
def labels(tmp_path: Path, demo_cards: list[tuple[str, str]]) -> Path:
    """Twenty labels by model id: levels that go up and down with the checklist's, more or less."""
    texts = [CardText(model_id, text) for model_id, text in demo_cards[:20]]
    lines = [
        f"{verdict.card_hash},{min(5, max(1, round(verdict.score + n % 3 - 1)))}"
        for n, verdict in enumerate(ChecklistJudge().score(texts))
        if verdict.score
    ]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["model_id,score", *lines]))
    return path


def passports(home: Path) -> list[tuple[str, str, float | None]]:
    with Warehouse(home).read() as db:
        return db.sql(
            "select probe, measure, estimate from base.passports where subject = 'score'"
        ).fetchall()


def entries_of(labels: Path, home: Path) -> list[PassportEntry]:
    return examine(ChecklistJudge(), read_labels(labels, home), repeats=0, attacked_texts=1)


def test_a_passport_is_published_and_another_one_does_not_replace_it(
    labels: Path, make_home: MakeHome
) -> None:
    home = make_home()
    labelled = read_labels(labels, home)
    entries = entries_of(labels, home)
    assert keep(home, entries, labelled)
    once = passports(home)
    assert {probe for probe, _, _ in once} == {"agreement", "padding", "attack"}
    later = [replace(entry, measured_at=entry.measured_at + timedelta(seconds=1)) for entry in entries]
    assert keep(home, later, labelled)
    assert len(passports(home)) == 2 * len(once)


def kept_labels(home: Path) -> list[tuple[str, float, int]]:
    with Warehouse(home).read() as db:
        return db.sql("select card_hash, mark, raters from base.labels order by all").fetchall()


def test_labels_are_kept_once_without_names_and_the_later_label_counts(
    labels: Path, make_home: MakeHome
) -> None:
    home = make_home()
    for _ in range(2):
        calibrate(labels, home, repeats=0)
    once = kept_labels(home)
    labelled = read_labels(labels, home)
    assert len(once) == len(labelled.texts)
    assert {raters for _, _, raters in once} == {1}
    head, first, *_ = labels.read_text().splitlines()
    (labels.parent / "more.csv").write_text(f"{head},rater\n{first},ada\n{first.rpartition(',')[0]},5,bob\n")
    calibrate(labels.parent / "more.csv", home, repeats=0)
    assert len(kept_labels(home)) == len(once) + 1
    with Warehouse(home).read() as db:
        latest = db.sql("select mark, raters from labels where raters = 2").fetchall()
    mark = float(first.rpartition(",")[2])
    assert latest == [((mark + 5) / 2, 2)]


def test_new_labels_are_a_reason_to_estimate_again(labels: Path, make_home: MakeHome) -> None:
    home, judge = make_home(), ChecklistJudge().fingerprint

    def part() -> str:
        with Warehouse(home).read() as db:
            return findings_part(db, date(2026, 11, 16), judge)

    before = part()
    calibrate(labels, home, repeats=0)
    labelled = part()
    assert labelled != before
    calibrate(labels, home, repeats=0)
    assert part() == labelled


def test_labels_that_bring_their_texts_need_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("card_text,score\n# A,1\n# B,2\n# C,1\n")
    calibrate(tmp_path / "labels.csv", tmp_path / "new", repeats=0)
    assert passports(tmp_path / "new")


def test_a_report_that_exists_is_written_again(labels: Path, make_home: MakeHome) -> None:
    home = make_home()
    (home / "report.html").write_text("old")
    calibrate(labels, home, repeats=0)
    assert "<html" in (home / "report.html").read_text(encoding="utf-8")


def test_no_report_is_made_where_there_was_none(labels: Path, make_home: MakeHome) -> None:
    home = make_home()
    calibrate(labels, home, repeats=0)
    assert not (home / "report.html").exists()


def test_a_passport_outlives_another_writer_s_lock(labels: Path, make_home: MakeHome) -> None:
    home = make_home()
    entries = entries_of(labels, home)
    holder = (
        "import sys, pathlib; from tasks.storage.warehouse import Warehouse\n"
        "with Warehouse(pathlib.Path(sys.argv[1])).writer():\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert keep(home, entries, read_labels(labels, home)) is False
        other.communicate("")
    assert Warehouse(home).lake.has(part_of(entries))
    assert passports(home) == []
    with Warehouse(home).writer():
        Warehouse(home).begin()
        Warehouse(home).publish()
    assert len(passports(home)) > 0


@pytest.mark.parametrize(("limit", "is_refused"), [(-1.0, False), (0.2, False), (0.999, True), (1.0, True)])
def test_the_gate_compares_kappa_as_estimated(
    labels: Path, make_home: MakeHome, limit: float, is_refused: bool
) -> None:
    entries = entries_of(labels, make_home())
    if not is_refused:
        check_kappa(entries, limit)
        return
    with pytest.raises(PassportRefused, match=r"checklist .*: kappa is 0\.\d+ over \d+ texts, below"):
        check_kappa(entries, limit)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["card_text,score", "# A,3", "# B,3"], "fewer than 3 texts"),
        (["card_text,purpose", "# A,3", "# B,2", "# C,1"], "no overall score"),
        (["card_text,score", "# A,1", "# B,1", "# C,1", "# D,1"], "constant"),
    ],
)
def test_a_kappa_that_cannot_be_computed_does_not_pass_the_gate(
    tmp_path: Path, rows: Sequence[str], told: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(rows))
    with pytest.raises(PassportRefused, match=told):
        check_kappa(entries_of(path, tmp_path), -1.0)


def test_the_command_prints_json_keeps_the_passport_and_then_refuses(
    labels: Path, make_home: MakeHome
) -> None:
    home = make_home()
    arguments = [
        "calibrate",
        str(labels),
        "--home",
        str(home),
        "--repeats",
        "0",
        "--json",
        "--min-kappa",
        "1",
    ]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, PassportRefused)
    assert done.exception.exit_code == 1
    told = json.loads(done.stdout)
    assert {"probe", "measure", "estimate", "ci_low", "n", "measured_at"} <= told[0].keys()
    assert passports(home)


def test_the_command_prints_tables_for_people(labels: Path, make_home: MakeHome) -> None:
    arguments = ["calibrate", str(labels), "--home", str(make_home()), "--repeats", "1"]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.exception
    assert "quadratic weighted kappa" in done.stdout
    assert "It rests on 20 texts" in " ".join(done.stdout.split())
    assert "20 texts, labelled by 1 rater." in done.stdout


def test_what_cannot_be_asked_for_leaves_with_two(tmp_path: Path) -> None:
    for arguments, error in (
        (["calibrate", str(tmp_path / "absent.csv")], LabelsInvalid),
        (["calibrate", "x.csv", "--judge", "oracle"], UsageError),
        (["calibrate", "x.csv", "--judge-model", "m"], UsageError),
    ):
        done = CliRunner().invoke(app, [*arguments, "--home", str(tmp_path)])
        assert isinstance(done.exception, error)
        assert done.exception.exit_code == 2


def test_names_from_strangers_do_not_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("card_text,model_id,score,\x1b[2Jcolumn [red]\n# A,,3,\n,evil/\x1b[31m[bold]x,3,\n")
    done = CliRunner().invoke(app, ["calibrate", str(path), "--home", str(tmp_path / "h"), "--repeats", "0"])
    assert done.exit_code == 0, done.exception
    assert "\x1b" not in done.stdout
    assert "[bold]x" in done.stdout
