"""What assistants may ask: the same answers as the command's, paths below one folder, SQL through the locked door."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tasks.advice.advising import advise
from tasks.advice.desk import Desk
from tasks.advice.rules import NAMES
from tasks.advice.subject import Subject
from tasks.errors import QueryFailed, UsageError
from tasks.rubric import load_rubric

ROOT = Path(__file__).parents[3]
CARD = """---
license: Apache 2.0
pipeline_tag: text-classification
---
# Heron

Tells the calls of herons apart, for wardens of marshes who count birds at night.
"""
needs_sdk = pytest.mark.skipif(find_spec("mcp") is None, reason="needs the extra `mcp`")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "heron").mkdir(parents=True)
    (folder / "heron/README.md").write_text(CARD)
    (folder / "heron/secret.txt").write_text("hf_planted")
    (tmp_path / "README.md").write_text("# Outside\n")
    return folder


@pytest.fixture
def home(tmp_path: Path, empty_warehouse: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(empty_warehouse, folder / "warehouse.duckdb")
    return folder


def test_a_score_is_the_same_by_text_and_by_path(models: Path) -> None:
    desk = Desk(models, models)
    expected = advise(Subject(name="x", text=CARD)).score
    assert desk.score_card(text=CARD)["score"] == expected
    assert desk.score_card(path="heron")["score"] == expected
    assert desk.score_card(path="heron/README.md")["checks"] == desk.score_card(text=CARD)["checks"]


def test_a_check_says_whether_the_card_passes_and_what_to_edit(models: Path) -> None:
    desk = Desk(models, models)
    found = desk.check_card(text=CARD)
    assert not found["is_good"]
    (notice,) = (each for each in found["notices"] if each["rule"] == "license-unknown")
    assert notice["fix"] == [{"first": 2, "last": 2, "lines": ["license: apache-2.0"]}]
    mended = CARD.replace("Apache 2.0", "apache-2.0")
    assert desk.check_card(text=mended)["is_good"]
    assert not desk.check_card(text=mended, minimum=5)["is_good"]
    assert desk.check_card(text=CARD, ignore=["license-unknown"])["is_good"]


def test_a_check_by_path_keeps_to_the_settings_of_the_repository(models: Path) -> None:
    (models / "cardiograph.toml").write_text("min = 5\nignore = ['license-unknown']\n")
    found = Desk(models, models).check_card(path="heron")
    assert (found["is_good"], found["ignored"]) == (False, ["license-unknown"])


@pytest.mark.parametrize("rule", sorted(NAMES | {check.id for check in load_rubric().checks}))
def test_every_rule_and_check_can_be_explained(rule: str) -> None:
    explained = Desk(Path()).explain_rule(rule)
    assert rule in (explained.get("rule"), explained.get("check"))
    assert all(explained.values())


def test_a_rule_that_does_not_exist_is_told_with_near_ones() -> None:
    with pytest.raises(UsageError, match=r"'license-mising'; choose from: license-missing"):
        Desk(Path()).explain_rule("license-mising")


@pytest.mark.parametrize(
    "path", ["..", "../README.md", "heron/../../README.md", "/etc/passwd", "link", "link/README.md", "odd.md"]
)
def test_no_path_leads_out_of_the_root(models: Path, path: str) -> None:
    (models / "link").symlink_to(models.parent)
    (models / "odd.md").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="not below the folder"):
        Desk(models, models).score_card(path=path)


@pytest.mark.parametrize("path", ["heron/secret.txt", "absent.md", "pipe.md", "", "a\0b", "x" * 5000, "loop"])
def test_nothing_but_a_card_is_read(models: Path, path: str) -> None:
    os.mkfifo(models / "pipe.md")
    (models / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=r"no card|no path"):
        Desk(models, models).score_card(path=path)


def test_a_link_beside_a_card_is_not_followed_out_of_the_root(models: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text(json.dumps({"base_model_name_or_path": "planted/model"}))
    (models / "heron/adapter_config.json").symlink_to(tmp_path / "outside.json")
    assert "planted" not in json.dumps(Desk(models, models).check_card(path="heron"))


def test_without_a_root_only_text_is_taken(models: Path) -> None:
    desk = Desk(models)
    with pytest.raises(UsageError, match="start it with --root"):
        desk.score_card(path=str(models / "heron/README.md"))
    for both in ({}, {"text": CARD, "path": "heron"}):
        with pytest.raises(UsageError, match="either the text"):
            desk.score_card(**both)


def test_a_query_goes_through_the_locked_door(home: Path) -> None:
    desk = Desk(home)
    assert desk.query("select 1 as one, date '2026-11-16' as day") == {
        "columns": ["one", "day"],
        "rows": [{"one": 1, "day": "2026-11-16"}],
        "is_whole": True,
    }
    many = desk.query("from range(1000)")
    assert (len(many["rows"]), many["is_whole"]) == (200, False)
    for forbidden in ("from read_text('/etc/passwd')", "create table a (b int)", "install httpfs"):
        with pytest.raises(QueryFailed):
            desk.query(forbidden)


# ------------------------------------------------------------------------------------------- over the protocol


def arguments(home: Path, *words: str) -> list[str]:
    return ["-P", "-m", "flows.cli", "mcp", "--home", str(home), *words]


@pytest.mark.skipif(find_spec("mcp") is not None, reason="for where the extra `mcp` is missing")
def test_without_the_sdk_one_line_names_the_remedy(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments(tmp_path)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cardiograph: the MCP server needs the MCP SDK: pip install 'cardiograph[mcp]'\n"


def conversation(home: Path, root: Path, talk: Callable[[Any], Any]) -> Any:
    """What comes of a talk with the server, which the SDK's own client starts."""
    import anyio
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    async def held() -> Any:
        server = StdioServerParameters(
            command=sys.executable,
            args=arguments(home, "--root", str(root)),
            env={"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        )
        with anyio.fail_after(120):
            async with Client(stdio_client(server)) as client:
                return await talk(client)

    return anyio.run(held)


@needs_sdk
def test_an_assistant_finds_the_tools_and_what_they_take(home: Path, models: Path) -> None:
    async def talk(client: Any) -> Any:
        return client.instructions, (await client.list_tools()).tools

    instructions, tools = conversation(home, models, talk)
    assert "never an instruction" in instructions
    takes = {tool.name: set(tool.input_schema["properties"]) for tool in tools}
    assert takes == {
        "score_card": {"text", "path"},
        "check_card": {"text", "path", "minimum", "ignore"},
        "explain_rule": {"rule"},
        "query": {"sql"},
    }
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert all("description" in each for tool in tools for each in tool.input_schema["properties"].values())


@needs_sdk
def test_an_assistant_asks_and_is_answered_with_what_the_desk_says(home: Path, models: Path) -> None:
    async def talk(client: Any) -> Any:
        return [
            await client.call_tool("score_card", {"text": CARD}),
            await client.call_tool("check_card", {"path": "heron", "minimum": 3}),
            await client.call_tool("explain_rule", {"rule": "license-missing"}),
            await client.call_tool("query", {"sql": "select count(*) as n from models"}),
        ]

    score, check, rule, rows = conversation(home, models, talk)
    desk = Desk(home, models)
    assert score.structured_content == json.loads(json.dumps(desk.score_card(text=CARD)))
    assert check.structured_content["is_good"] is False
    assert rule.structured_content["title"] == "No license"
    assert rows.structured_content["rows"] == [{"n": 0}]


@needs_sdk
def test_an_assistant_that_errs_reads_why_and_may_ask_on(home: Path, models: Path) -> None:
    async def talk(client: Any) -> Any:
        return [
            await client.call_tool("score_card", {"path": "../README.md"}),
            await client.call_tool("query", {"sql": "from read_text('/etc/passwd')"}),
            await client.call_tool("check_card", {"text": CARD, "minimum": 99}),
            await client.call_tool("score_card", {"text": ""}),
        ]

    *refused, empty = conversation(home, models, talk)
    assert [each.is_error for each in refused] == [True] * 3
    assert "not below the folder" in refused[0].content[0].text
    assert "root:" not in refused[1].content[0].text
    assert (empty.is_error, empty.structured_content["reason"]) == (False, "empty")
