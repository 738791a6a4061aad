"""The doctor: each check against the real thing, or against nothing where that is the case."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from tasks.engine.state import EngineState, PoolState, client_version
from tasks.errors import (
    BudgetReached,
    CardiographError,
    HubUnreachable,
    JudgeRefused,
    LakeError,
    TokenRefused,
)
from tasks.hub.account import ask_account, clock_ahead_s
from tasks.judges.characters import copies_a_pattern
from tasks.judges.scripted import Fault, ScriptedJudge, running_scripted_judge
from tasks.operations.doctor import (
    CLOCK_WARN_S,
    CheckResult,
    canary_checks,
    check_canaries,
    check_disk,
    check_engine,
    check_gpu,
    check_hub,
    check_judge,
    check_judge_environment,
    check_lake,
    check_packages,
    check_python,
    check_store_clock,
    check_warehouse,
    checks_for,
    clock_result,
    engine_results,
    examine,
    judges_at,
    late_canaries,
)
from tasks.records import JudgeSpec, SpendingCap
from tasks.replica.corpus import write_corpus
from tasks.replica.process import running_replica
from tasks.settings import Settings
from tasks.storage.lake import Lake

SECRET = "hf_neverToBeSeenAnywhere"
NOWHERE = "http://127.0.0.1:9"


def vllm_at(url: str) -> JudgeSpec:
    return JudgeSpec("vllm", urls=(url,))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("corpus") / "corpus.parquet"
    write_corpus(path, [{"model_id": "ada/a", "card_text": "# A", "last_modified": "2026-01-01"}])
    with running_replica(path, plan="free") as url:
        yield url


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "PREFECT_API_URL", "CARDIOGRAPH_LAKE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))


def by_name(findings: Iterator[CheckResult]) -> dict[str, CheckResult]:
    return {finding.name: finding for finding in findings}


# How checks are run


def test_a_check_that_hangs_fails_in_time_and_delays_no_other() -> None:
    forever = threading.Event()

    def hangs() -> list[CheckResult]:
        forever.wait()
        return []

    found = examine([("stuck", hangs), ("fine", lambda: [CheckResult("fine", "ok", "yes")])], within_s=0.3)
    forever.set()
    assert [(one.name, one.status) for one in found] == [("stuck", "fail"), ("fine", "ok")]
    assert "no answer within 0.3 s" in found[0].detail


def test_a_check_that_breaks_is_a_failure_and_no_traceback() -> None:
    def breaks() -> list[CheckResult]:
        raise ZeroDivisionError("by zero\nand more")

    def fails() -> list[CheckResult]:
        raise LakeError("no space; free some")

    found = examine([("odd", breaks), ("lake", fails)])
    assert [one.detail for one in found] == ["ZeroDivisionError: by zero", "no space; free some"]
    assert {one.status for one in found} == {"fail"}


def test_every_check_is_run(tmp_path: Path) -> None:
    names = [
        name
        for name, _ in checks_for(
            tmp_path, NOWHERE, judges_at(JudgeSpec("vllm", urls=("http://a", "http://b")))
        )
    ]
    assert {"Python", "packages", "Hub", "lake", "warehouse", "GPU", "Prefect", "judge http://b"} <= set(
        names
    )


# The checks


def test_this_environment_meets_the_requirements_of_the_package() -> None:
    assert [one.status for one in (*check_python(), *check_packages())] == ["ok", "ok"]


def test_a_package_of_another_version_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["duckdb>=99", "no-such-package", 'pytest>=99; extra == "dev"', "polars"]
    monkeypatch.setattr("tasks.operations.doctor.requires", lambda _: asked)
    (finding,) = check_packages()
    assert finding.status == "fail"
    assert "no-such-package is missing" in finding.detail
    assert "is not >=99" in finding.detail
    assert "pytest" not in finding.detail


def test_a_hub_without_a_token_answers_and_reports_its_quota(hub: str) -> None:
    found = by_name(check_hub(hub))
    assert {name: one.status for name, one in found.items()} == {
        "Hub": "ok",
        "token": "warn",
        "quota": "ok",
        "clock": "ok",
    }
    assert "of 1,000 API requests left" in found["quota"].detail
    assert ask_account(hub, Settings()).plan == "free"


def test_a_token_is_accepted_and_never_shown(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", hub)
    found = by_name(check_hub(hub))
    assert found["token"] == CheckResult("token", "ok", "accepted, of replica")
    assert SECRET not in repr(found)


def test_a_token_that_the_hub_does_not_know_is_a_failure(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "neverToBeSeenAnywhere")
    monkeypatch.setenv("CARDIOGRAPH_TRUSTED_HUBS", hub)
    (finding,) = check_hub(hub)
    assert (finding.name, finding.status) == ("token", "fail")
    assert "neverToBeSeenAnywhere" not in repr(finding)
    with pytest.raises(TokenRefused):
        ask_account(hub, Settings())


def test_a_hub_that_does_not_answer_is_a_failure() -> None:
    (finding,) = check_hub(NOWHERE)
    assert (finding.name, finding.status) == ("Hub", "fail")
    with pytest.raises(HubUnreachable):
        ask_account(NOWHERE, Settings())


@pytest.mark.parametrize(("ahead_s", "status"), [(0, "ok"), (-59, "ok"), (61, "warn"), (-604_800, "warn")])
def test_a_clock_that_is_a_minute_off_is_a_warning(ahead_s: float, status: str) -> None:
    now = datetime(2026, 1, 12, tzinfo=UTC)
    theirs = {"date": format_datetime(datetime.fromtimestamp(now.timestamp() - ahead_s, UTC), usegmt=True)}
    assert clock_ahead_s(theirs, now) == ahead_s
    assert clock_result("clock", "the Hub", ahead_s).status == status
    assert CLOCK_WARN_S == 60


@pytest.mark.parametrize("header", ["", "soon", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_server_without_a_time_is_no_reason_to_warn(header: str) -> None:
    assert clock_ahead_s({"date": header}, datetime.now(UTC)) is None
    assert clock_result("clock", "the Hub", None).status == "ok"


def test_the_disk_is_the_one_that_will_hold_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "not" / "yet"
    (finding,) = check_disk(home)
    assert str(tmp_path) in finding.detail
    for free, status in ((10**10, "ok"), (2 * 10**9, "warn"), (10**8, "fail")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        (finding,) = check_disk(home)
        assert finding.status == status
    assert not home.exists()


def test_a_missing_lake_is_not_created(tmp_path: Path) -> None:
    (finding,) = check_lake(tmp_path / "home")
    assert (finding.status, list(tmp_path.iterdir())) == ("ok", [])


def test_a_lake_is_written_and_left_as_it_was(home: Path) -> None:
    before = Lake(home).entries("")
    (finding,) = check_lake(home)
    assert finding.status == "ok"
    assert Lake(home).entries("") == before


def test_an_object_store_is_tried_like_a_folder(s3_lake: Lake, tmp_path: Path) -> None:
    assert s3_lake.is_remote
    (finding,) = check_lake(tmp_path)
    assert finding.status == "ok"
    assert finding.detail.startswith("s3://")
    assert s3_lake.entries("") == {}
    (clock,) = check_store_clock(tmp_path)
    assert clock.status == "ok"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (finding,) = check_lake(tmp_path / "home")
    tmp_path.chmod(0o700)
    assert finding.status == "fail"


def test_a_sound_warehouse_holds_all_checks(home: Path) -> None:
    (finding,) = check_warehouse(home)
    assert finding.status == "ok"
    assert "checks hold" in finding.detail


def test_a_warehouse_that_breaks_a_check_is_a_failure(home: Path) -> None:
    import duckdb

    with duckdb.connect(home / "warehouse.duckdb") as db:
        db.execute("delete from base.texts where card_hash = 'h1'")
    (finding,) = check_warehouse(home)
    assert finding.status == "fail"
    assert "card_without_a_text" in finding.detail


def test_a_warehouse_of_another_version_is_a_warning(home: Path) -> None:
    import duckdb

    with duckdb.connect(home / "warehouse.duckdb") as db:
        db.execute("update base.made_by set schema_digest = 'of last year'")
    (finding,) = check_warehouse(home)
    assert finding.status == "warn"
    assert "cardiograph rebuild" in finding.remedy


def test_no_warehouse_yet_is_fine(tmp_path: Path) -> None:
    assert [one.status for one in check_warehouse(tmp_path)] == ["ok"]


def test_a_gpu_is_reported_with_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [one.detail[:4] for one in check_gpu()] == ["none"]
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB, 4 MiB'\n")
    program.chmod(0o755)
    assert list(check_gpu()) == [CheckResult("GPU", "ok", "NVIDIA H200, 143771 MiB, 4 MiB in use")]
    program.write_text("#!/bin/sh\necho 'Driver/library version mismatch'; exit 18\n")
    (finding,) = check_gpu()
    assert (finding.status, finding.remedy) == ("fail", "repair the driver")


def test_a_missing_judge_environment_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PYTHON", str(tmp_path / "python"))
    assert [one.status for one in check_judge_environment()] == ["ok"]


def test_a_judge_that_answers_says_what_it_serves() -> None:
    with running_scripted_judge() as judge:
        (finding,) = check_judge(vllm_at(judge.url))
    assert finding.status == "ok"
    assert "serves scripted" in finding.detail


def test_a_judge_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operations.doctor.WITHIN_S", 2.1)
    (finding,) = examine([("judge", lambda: check_judge(vllm_at(NOWHERE)))], within_s=30)
    assert finding.status == "fail"
    assert NOWHERE in finding.detail


def test_a_judge_that_orders_the_canaries_is_well() -> None:
    with running_scripted_judge() as judge:
        (finding,) = check_canaries(vllm_at(judge.url), within_s=60)
    assert finding.status == "ok"
    assert "of the pairs are in the right order" in finding.detail


def test_a_judge_that_does_not_order_them_is_a_failure_with_its_order() -> None:
    with running_scripted_judge(character=copies_a_pattern) as judge:
        (finding,) = check_canaries(vllm_at(judge.url), within_s=60)
    assert finding.status == "fail"
    assert "en exemplary 3.00" in finding.detail
    assert "another judge model" in finding.remedy


def test_a_slow_judge_is_given_up_in_time_and_what_came_is_reported() -> None:
    asked = count()
    with running_scripted_judge(lambda _: Fault.HANG if next(asked) >= 5 else None) as judge:
        began = monotonic()
        (finding,) = check_canaries(vllm_at(judge.url), within_s=4)
        assert monotonic() - began < 10
    assert finding.status == "warn"
    assert finding.detail.startswith("5 of 16 came in")
    assert "--canaries" in finding.remedy


def test_an_error_of_the_judge_is_not_taken_for_slowness() -> None:
    with running_scripted_judge(lambda _: 404) as judge, pytest.raises(JudgeRefused):
        list(check_canaries(vllm_at(judge.url), within_s=60))


# The same for a server that is not vLLM


def openai_at(judge: ScriptedJudge, **cap: int) -> JudgeSpec:
    return JudgeSpec("openai", judge.model, (f"{judge.url}/v1",), cap=SpendingCap(**cap))


def test_a_hosted_judge_is_checked_and_tried_on_the_canaries_with_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_API_KEY", SECRET)
    with running_scripted_judge(pages={}, api_key=SECRET) as judge:
        (served,) = check_judge(openai_at(judge))
        questions = [path for path, _ in judge.requests if path.endswith("/chat/completions")]
        (finding,) = check_canaries(openai_at(judge), within_s=60)
    assert served.detail.startswith(f"serves {judge.model}")
    assert questions == []  # asking what it serves is free
    assert finding.status == "ok"
    assert finding.detail.startswith("16 in ")
    assert SECRET not in repr([served, finding])


def test_a_hosted_judge_without_its_key_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARDIOGRAPH_JUDGE_API_KEY", raising=False)
    with running_scripted_judge(pages={}, api_key=SECRET) as judge, pytest.raises(JudgeRefused):
        list(check_canaries(openai_at(judge), within_s=60))


def test_a_budget_ends_the_trial_of_a_hosted_judge() -> None:
    with running_scripted_judge(pages={}) as judge, pytest.raises(BudgetReached):
        list(check_canaries(openai_at(judge, requests=5), within_s=60))


def test_a_hosted_judge_that_has_not_begun_in_time_is_a_warning() -> None:
    with running_scripted_judge(lambda _: Fault.HANG, pages={}) as judge:
        spec = openai_at(judge)
        checks = canary_checks([spec], within_s=2)
        (finding,) = examine(checks, within_s=2, late=late_canaries([spec], within_s=2))
    assert finding.status == "warn"
    assert "none came in 2 s" in finding.detail
    assert "--canaries" in finding.remedy


# Prefect

WELL = EngineState(
    client_version(), ("crew/default", "snapshot/weekly"), (PoolState("default", 2, is_paused=False),), 8, ()
)


def statuses(engine: EngineState) -> dict[str, str]:
    return {one.name: one.status for one in engine_results(engine)}


def test_a_server_with_everything_set_up_passes() -> None:
    assert set(statuses(WELL).values()) == {"ok"}


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        (replace(WELL, version="2.20.1"), "Prefect"),
        (replace(WELL, deployments=("crew/default",)), "deployments"),
        (replace(WELL, pools=(PoolState("default", 0, is_paused=False),)), "work pool default"),
        (replace(WELL, pools=(PoolState("default", 2, is_paused=True),)), "work pool default"),
        (replace(WELL, limit=None), "Hub's limit"),
    ],
)
def test_what_a_server_lacks_is_a_warning(engine: EngineState, name: str) -> None:
    assert {one for one, status in statuses(engine).items() if status == "warn"} == {name}


def test_a_server_is_not_required() -> None:
    assert [one.status for one in check_engine()] == ["ok"]


def test_our_own_errors_are_reported_with_their_message() -> None:
    def fails() -> list[CheckResult]:
        raise CardiographError("in one line, with a remedy")

    assert examine([("x", fails)]) == [CheckResult("x", "fail", "in one line, with a remedy")]
