"""Broken and odd homes are told by name, in one line with a remedy, by every command; and nothing in them is lost."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer

from flows.cli.app import app, main
from flows.cli.lazy import LazyGroup
from tasks.records import ListedModel
from tasks.storage.lake import Lake, SnapshotRecord
from tasks.storage.warehouse import Warehouse

ROOT = Path(__file__).parents[2]
WEEK, NOW = date(2026, 1, 5), datetime(2026, 1, 5, 9)
PART = f"snapshots/{WEEK}.parquet"
Typed = Callable[..., tuple[int, str, str]]

# Each command with the arguments that make it open a home.
COMMANDS: dict[str, tuple[str, ...]] = {
    "analyse": (),
    "atlas export": ("{home}/map.parquet",),
    "atlas names": (),
    "atlas serve": (),
    "boilerplate learn": (),
    "boilerplate show": (),
    "calibrate": ("{home}/labels.csv",),
    "card": ("--org", "ada"),
    "demo": (),
    "history": ("ada/one",),
    "label": (),
    "neighbours": ("ada/one",),
    "passport": (),
    "plan": (),
    "quarantine": (),
    "quarantine release": (str(WEEK), "--reason", "it is true"),
    "query": ("from snapshots",),
    "report": (),
    "snapshot": ("--hub", "{home}/no-corpus.parquet"),
    "status": (),
}
# These open none, or are about broken ones.
OTHERS = {"badge", "check", "deploy", "doctor", "hub make-corpus", "hub serve", "mcp", "rebuild", "server"}
if not find_spec("embedding_atlas"):
    OTHERS.add("atlas serve")
    del COMMANDS["atlas serve"]

# Some make a warehouse of another schema again by themselves, or do without it.
WITH_ANY_SCHEMA = {"snapshot", "demo", "calibrate", "plan"}


def told(printed: str) -> list[str]:
    """The lines without those that only say what has begun."""
    return [line for line in printed.splitlines() if not line.endswith((" …", "  starting"))]


def names_of(command: Any, name: str = "") -> Iterator[str]:
    """The commands below a command, and itself where it can be called."""
    for child, entry in getattr(command, "commands", {}).items():
        found = command.loaded(child) if isinstance(command, LazyGroup) else entry
        yield from names_of(found, f"{name} {child}".strip())
    if name and (not hasattr(command, "commands") or command.invoke_without_command):
        yield name


def test_every_command_is_tried_on_broken_homes_or_opens_none() -> None:
    missing = set(names_of(typer.main.get_command(app))) - COMMANDS.keys() - OTHERS
    assert missing == set()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one snapshot, published."""
    home = tmp_path_factory.mktemp("finished")
    listed = ListedModel(
        *(WEEK, "ada/one", "ada", "sha", NOW, NOW, 1, 1, 1, None, [], None, None, None), False, None, []
    )
    Lake(home).write(f"listing/{WEEK}/page-00000.parquet", ListedModel, [listed])
    Lake(home).write(PART, SnapshotRecord, [SnapshotRecord(WEEK, "x", "all models", 1, NOW, NOW)])
    warehouse = Warehouse(home)
    with warehouse.writer():
        warehouse.begin()
        warehouse.publish(always=True)
    (home / "labels.csv").write_text("card_text,score\n# A model,3\n")
    return home


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "home")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("status", home=home)`: the exit code and what was printed, by the entry point in this process."""
    monkeypatch.setenv("COLUMNS", "1000")

    def run(name: str, *arguments: str, home: Path) -> tuple[int, str, str]:
        words = [*name.split(), "--home", str(home), *(word.format(home=home) for word in arguments)]
        if name == "quarantine release":
            words = ["quarantine", "release", *arguments, "--home", str(home)]
        monkeypatch.setattr(sys, "argv", ["cardiograph", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


def checksum(block: bytes) -> int:
    """As DuckDB computes it."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def of_a_newer_duckdb(content: bytes) -> bytes:
    header = content[8:12] + struct.pack("<Q", 9999) + content[20:4096]
    return struct.pack("<Q", checksum(header)) + header + content[4096:]


def with_flipped_bits(content: bytes) -> bytes:
    flipped = bytearray(content)
    for place in range(16384, len(flipped), 4096):
        flipped[place] ^= 0xFF
    return bytes(flipped)


NEWER = "of a newer DuckDB"
BROKEN: dict[str, Callable[[bytes], bytes]] = {
    NEWER: of_a_newer_duckdb,
    "not a database": lambda _: b"not a database at all\n" * 1000,
    "empty": lambda _: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "with flipped bits": with_flipped_bits,
}


def test_the_header_of_a_warehouse_is_as_the_tests_suppose(home: Path) -> None:
    content = (home / "warehouse.duckdb").read_bytes()
    assert content[8:12] == b"DUCK"
    assert struct.unpack("<Q", content[:8]) == (checksum(content[8:4096]),)


# Every command meets one kind; every kind is met where the warehouse is read, queried and written.
MEETINGS = sorted({*((NEWER, each) for each in COMMANDS), *product(BROKEN, ("status", "query", "snapshot"))})


@pytest.mark.parametrize(("kind", "command"), MEETINGS)
def test_a_broken_warehouse_leads_to_rebuild(home: Path, typed: Typed, kind: str, command: str) -> None:
    file = home / "warehouse.duckdb"
    file.write_bytes(broken := BROKEN[kind](file.read_bytes()))
    code, out, err = typed(command, *COMMANDS[command], home=home)
    said = out if command == "status" else err  # one table of everything, this in it
    assert code == 1
    assert f"{file} is broken, or another version of DuckDB made it (" in said
    assert f"); run `cardiograph rebuild --home {home}`, which makes it again from the lake" in said
    assert "free some space" not in said
    if command != "status":
        assert len(told(err)) == 1
    assert file.read_bytes() == broken


def test_status_does_not_say_that_nothing_is_published_where_it_cannot_be_read(
    home: Path, typed: Typed
) -> None:
    (home / "warehouse.duckdb").write_bytes(b"")
    code, out, _ = typed("status", home=home)
    assert code == 1
    assert "nothing yet" not in out
    assert "unknown: the warehouse cannot be read" in out
    code, out, _ = typed("status", "--json", home=home)
    assert (code, json.loads(out)["is_broken"]) == (1, True)


@pytest.mark.parametrize("kind", BROKEN)
def test_rebuild_mends_it(home: Path, typed: Typed, kind: str) -> None:
    file = home / "warehouse.duckdb"
    file.write_bytes(BROKEN[kind](file.read_bytes()))
    code, out, err = typed("rebuild", home=home)
    assert (code, told(err)) == (0, [])
    assert "made again from 2 parts" in out
    with Warehouse(home).read() as db:
        assert db.execute("select snapshot from snapshots").fetchall() == [(WEEK,)]


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - WITH_ANY_SCHEMA))
def test_a_warehouse_of_another_schema_leads_to_rebuild_too(home: Path, typed: Typed, command: str) -> None:
    (home / "warehouse.duckdb").unlink()
    with duckdb.connect(home / "warehouse.duckdb") as db:
        db.execute("create schema base")
        db.execute("create table base.made_by as select 'of another version' as schema_digest")
    code, out, err = typed(command, *COMMANDS[command], home=home)
    assert code != 0
    assert f"`cardiograph rebuild --home {home}`" in out + err or command == "query"
    assert len(told(err)) == (0 if command == "status" else 1)


@pytest.mark.parametrize("part", [b"junk" * 50, b""], ids=["junk", "empty"])
def test_a_broken_part_of_the_lake_is_named_and_what_is_published_stays(
    home: Path, typed: Typed, part: bytes
) -> None:
    (home / "lake" / PART).write_bytes(part)
    before = (home / "warehouse.duckdb").read_bytes()
    code, _, err = typed("rebuild", home=home)
    assert code == 1
    (line,) = told(err)
    assert line.startswith(f"cardiograph: {home}/lake/{PART} is broken (")
    assert "restore the part from a copy" in line
    assert (home / "warehouse.duckdb").read_bytes() == before


# ------------------------------------------------------------------------------------------- odd file systems

# Mounts in a namespace of its own, then commands in one process: `[[words…], …]` gives `[[code, output], …]`.
_SCRIPT = """
import contextlib, io, json, os, subprocess, sys
from pathlib import Path
mounts, commands = json.loads(sys.argv[1])
for mount in mounts:
    subprocess.run(["mount", *mount], check=True)
for path in map(Path, json.loads(sys.argv[2])):
    with contextlib.suppress(OSError), open(path / "filling", "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
from flows.cli.app import main
found = []
for words in commands:
    sys.argv = ["cardiograph", *words]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        except BaseException as error:
            code = repr(error)
    found.append([code, out.getvalue()])
print(json.dumps(found))
"""


def answers_of(
    mounts: list[list[str]], commands: list[list[str]], fill: tuple[Path, ...] = (), **environment: str
) -> list[tuple[int, str]]:
    """What the commands answer where these file systems are mounted; the test is skipped where that is not allowed."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces for mounts here")
    words = [json.dumps([mounts, commands]), json.dumps([str(path) for path in fill])]
    done = subprocess.run(
        [*namespace, sys.executable, "-c", _SCRIPT, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "1000", **environment},
    )
    assert done.returncode == 0, done.stderr
    return [(code, text) for code, text in json.loads(done.stdout)]


def read_only(path: Path) -> list[list[str]]:
    return [["--bind", str(path), str(path)], ["-o", "remount,bind,ro", str(path)]]


def test_a_home_that_cannot_be_written_to_is_read_and_told_before_any_work(home: Path) -> None:
    at = ["--home", str(home)]
    reading = [["status", *at], ["query", "from snapshots", *at], ["quarantine", *at]]
    writing = [
        ["snapshot", *at], ["demo", *at], ["passport", *at], ["rebuild", *at], ["calibrate", f"{home}/labels.csv", *at],
    ]  # fmt: skip
    answers = answers_of(read_only(home), [*reading, *writing])
    assert [code for code, _ in answers] == [0] * len(reading) + [2] * len(writing)
    for _, text in answers[len(reading) :]:
        expected = f"cardiograph: cannot use {home} as home: Read-only file system; choose another --home"
        assert told(text) == [expected]


def test_a_full_disk_is_called_full_before_any_work(home: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    at = ["--home", str(small)]
    commands = [
        ["status", *at],
        ["demo", *at],
        ["snapshot", *at],
        ["passport", *at],
        ["hub", "make-corpus", f"{small}/c"],
    ]
    mounts = [["-t", "tmpfs", "-o", "size=4m", "none", str(small)]]
    answers = answers_of(mounts, commands, fill=(small,))
    assert [code for code, _ in answers] == [0, 1, 1, 1, 2]
    for _, text in answers[1:4]:
        (line,) = told(text)
        assert line.startswith(f"cardiograph: the disk of {small} is full: 0.0 MB are free")
        assert line.endswith("; free some space, or choose another --home")
    assert "No space left on device" in answers[4][1]


def test_without_any_folder_for_temporary_files_that_is_what_is_said(
    home: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nonexistent"])
    for command in ("snapshot", "passport"):
        code, out, err = typed(command, home=home)
        assert (code, out) == (1, "")
        assert told(err) == [
            "cardiograph: no folder for temporary files can be written to; set TMPDIR to one that can"
        ]


def test_a_missing_tmpdir_alone_changes_nothing(home: Path) -> None:
    at = ["--home", str(home)]
    answers = answers_of([], [["status", *at], ["query", "from snapshots", *at]], TMPDIR="/nonexistent")
    assert [code for code, _ in answers] == [0, 0]


def test_python_without_docstrings_is_told_in_one_line(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-OO", "-m", "flows.cli", "report", "--home", home],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "cardiograph: Python runs without docstrings (-OO, or PYTHONOPTIMIZE=2), and Altair cannot be imported so; "
        "run without\n"
    )
