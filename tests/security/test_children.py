"""Processes that a run starts: they get no secret that they do not need, and import nothing from where they start."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from deployments.native import topology
from deployments.native.processes import processes
from tasks.engine.child import answers, free_port, running_child, wait_until, without_secrets
from tasks.engine.server import SENT
from tasks.judges.vllm.server import Build, server_environment
from tasks.replica.process import running_replica
from tasks.settings import Settings

ROOT = Path(__file__).parents[2]

PLANTED = {
    "HF_TOKEN": "hf_planted",
    "HUGGING_FACE_HUB_TOKEN": "hf_planted_too",
    "CARDIOGRAPH_HUB_TOKEN": "hf_planted_again",
    "CARDIOGRAPH_JUDGE_API_KEY": "planted-key",
    "OPENAI_API_KEY": "sk-planted",
    "AWS_ACCESS_KEY_ID": "planted-id",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_SESSION_TOKEN": "planted-session",
    SENT: "cardiograph:planted",
    "PREFECT_API_KEY": "pnu_planted",
    "PGPASSWORD": "planted-password",
    "DATABASE_URL": "postgresql://me:planted-password@db/prefect",
    "GOOGLE_APPLICATION_CREDENTIALS": "/planted.json",
}
KEPT = {"HTTPS_PROXY": "http://me:password@proxy:3128", "TOKENIZERS_PARALLELISM": "false", "KEYBOARD": "de"}
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


def secrets_of(pid: int) -> set[str]:
    """Which planted secrets a process has in its environment."""
    text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
    return {name for name, value in PLANTED.items() if value in text}


def children() -> set[int]:
    return {pid for pid, parent, _ in processes() if parent == os.getpid()}


def test_secrets_are_told_by_name_or_by_form_and_the_rest_stays() -> None:
    kept = without_secrets(os.environ | KEPT)
    assert kept.keys() & PLANTED.keys() == set()
    assert {"PATH", "HTTPS_PROXY", "KEYBOARD"} <= kept.keys()


@needs_proc
def test_a_judges_server_has_the_key_that_it_asks_for_and_no_other_secret() -> None:
    port = free_port()
    with running_child("tasks.judges.scripted", [str(port)]) as child:
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), child, within_s=60)
        assert secrets_of(child.pid) == set()
    environment = server_environment(Build("0.32.0", is_cpu=False), Settings())
    assert PLANTED.items() & environment.items() == set()
    assert environment["VLLM_API_KEY"] == PLANTED["CARDIOGRAPH_JUDGE_API_KEY"]


@needs_proc
def test_a_replica_has_no_secret_and_imports_nothing_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.demo import write_demo_corpus

    corpus = tmp_path / "corpus.parquet"
    write_demo_corpus(corpus, models=20, weeks=1, seed=1)
    trap = tmp_path / "trap"
    (trap / "flows").mkdir(parents=True)
    code = f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n"
    for name in ("tasks.py", "flows/__init__.py", "prefect.py", "duckdb.py", "orjson.py", "sitecustomize.py"):
        (trap / name).write_text(code)
    monkeypatch.chdir(trap)
    before = children()
    with running_replica(corpus) as url:
        assert answers(f"{url}/-/replica/stats")
        (replica,) = children() - before
        assert secrets_of(replica) == set()
    assert not (tmp_path / "sprung").exists()


@needs_proc
def test_a_member_of_the_crew_keeps_them(tmp_path: Path) -> None:
    with running_child("tasks.engine.child", ["sleep", "60"], with_secrets=True) as child:
        assert secrets_of(child.pid) == set(PLANTED)


def test_the_topology_hands_none_of_its_starters_secrets_on() -> None:
    assert topology._inherited().items() & PLANTED.items() == set()
    assert topology._inherited()["PYTHONSAFEPATH"] == "1"


def test_python_is_started_by_doors_that_keep_the_path_safe_and_by_no_other() -> None:
    starters = {
        path.relative_to(ROOT).as_posix()
        for room in ("flows", "tasks", "deployments")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"subprocess\.(run|Popen)\(", text := path.read_text(encoding="utf-8"))
        and "SAFE_PATH" not in text
        and '"-P"' not in text
    }
    assert starters == {
        "tasks/operations/doctor.py",  # nvidia-smi
        "deployments/audit.py",  # pip-audit, by who works on the project
        "deployments/locks.py",  # uv, by the same
        "deployments/native/stores.py",  # PostgreSQL's programs
        "deployments/native/supervisor.py",  # hands its environment on
    }
