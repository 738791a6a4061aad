"""`cardiograph passport`, and the step that gives a snapshot's judge a small one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows.cli.passport import cards_to_edit, passport
from tasks.cards.boilerplate import shipped
from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.passport.metamorphic.pieces import cut, is_plain
from tasks.passport.metamorphic.sampling import texts_to_edit
from tasks.passport.steps import cards_wanted, plan_passport, take_passport
from tasks.records import JudgeSpec
from tasks.storage.warehouse import Warehouse, frame
from tasks.work.orders import Shared
from tasks.work.run import Run

MakeHome = Callable[..., Path]
WEEK = date(2026, 11, 16)

app = typer.Typer()
app.command()(passport)


def probes(home: Path) -> set[str]:
    with Warehouse(home).read() as db:
        return {probe for (probe,) in db.sql("select distinct probe from base.passports").fetchall()}


def test_a_passport_is_kept_published_and_printed(make_home: MakeHome) -> None:
    home = make_home()
    result = CliRunner().invoke(app, ["--home", str(home), "--texts", "4"])
    assert result.exit_code == 0, result.output
    assert "What it notices, by criterion" in result.stdout
    assert "4 cards edited, no labels" in result.stdout
    assert probes(home) == {"evidence", "invariance", "sway"}


def test_the_passport_is_json_for_programs(make_home: MakeHome) -> None:
    result = CliRunner().invoke(app, ["--home", str(make_home()), "--texts", "3", "--json"])
    rows = json.loads(result.stdout)
    assert {"evidence", "invariance", "sway"} == {row["probe"] for row in rows}


def test_without_a_snapshot_the_command_says_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "cardiograph snapshot" in str(result.exception)


def test_without_a_card_to_edit_the_command_says_so(make_home: MakeHome) -> None:
    home = make_home(cards=[("ada/a", "<table><tr><td>Only HTML</td></tr></table>")])
    with pytest.raises(UsageError, match="no card that a person wrote in Markdown"):
        cards_to_edit(home, 3, "f", 1)


def test_cards_are_of_many_authors_plain_and_the_same_for_the_same_seed(make_home: MakeHome) -> None:
    with Warehouse(make_home()).read() as db:
        drawn = [
            texts_to_edit(db, 20, snapshot=WEEK, fingerprint=ChecklistJudge().fingerprint, seed=seed)
            for seed in (1, 1, 2)
        ]
        rows = frame(
            db,
            "out/passport_texts",
            snapshot=WEEK,
            fingerprint=ChecklistJudge().fingerprint,
            characters_max=12_000,
        )
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 20
    assert all(is_plain(cut(text.card_text)) for text in drawn[0])
    strata = dict(rows.select("card_hash", "stratum").iter_rows())
    assert len({strata[text.card_hash] for text in drawn[0]}) >= 3


def test_a_snapshots_judge_gets_one_passport_by_itself(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_PASSPORT_TEXTS", "3")
    run, fingerprint = Run(make_home(), WEEK), ChecklistJudge().fingerprint
    shared = Shared(spec=JudgeSpec(), boilerplate=shipped().version)
    with run.warehouse.writer():
        run.warehouse.begin()
        assert plan_passport.fn(run, JudgeSpec(), fingerprint) == 3
        take_passport.fn(run, shared, fingerprint, 3)
        run.warehouse.land()
        assert plan_passport.fn(run, JudgeSpec(), fingerprint) == 0
        run.warehouse.publish()
    assert probes(run.home) == {"evidence", "invariance", "sway"}


def test_a_judge_models_passport_takes_as_long_as_its_judging_at_most_and_the_settings_switch_it_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = JudgeSpec("vllm", "m")
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PASSPORT_TEXTS", "12")
    monkeypatch.setenv("CARDIOGRAPH_PASSPORT_TEXTS", "40")
    assert [cards_wanted(model, verdicts) for verdicts in (0, 179, 180, 700, 10_000)] == [0, 0, 3, 11, 12]
    assert cards_wanted(JudgeSpec("openai", "m"), 10_000) == 0  # it may be paid for
    assert cards_wanted(JudgeSpec(), 0) == 40
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PASSPORT_TEXTS", "0")
    monkeypatch.setenv("CARDIOGRAPH_PASSPORT_TEXTS", "0")
    assert cards_wanted(model, 10_000) == cards_wanted(JudgeSpec(), 0) == 0


def test_a_snapshot_without_a_card_to_edit_gives_no_passport(make_home: MakeHome) -> None:
    run = Run(make_home(cards=[("ada/a", "<h1>Only HTML</h1>")]), WEEK)
    with run.warehouse.writer():
        run.warehouse.begin()
        take_passport.fn(
            run, Shared(spec=JudgeSpec(), boilerplate=shipped().version), ChecklistJudge().fingerprint, 3
        )
        assert not run.lake.parts("passports")
