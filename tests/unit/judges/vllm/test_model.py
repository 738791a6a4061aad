"""The judge model's files on this machine: its context by its configuration, and whether it fits as float32."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import JudgeRefused
from tasks.judges import identify
from tasks.judges.vllm.model import config_of, context_of, fits_as_float32
from tasks.judges.vllm.server import context_for
from tasks.records import JudgeSpec
from tasks.settings import Settings

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["factor", "rope_type"]), inner)
    ),
)


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"max_position_embeddings": 8192}, 8192),
        ({"n_positions": 1024, "n_ctx": 1024}, 1024),
        ({"max_position_embeddings": 8192, "max_seq_len": 4096}, 4096),
        ({"model_type": "llava", "text_config": {"max_position_embeddings": 4096}}, 4096),
        ({"max_position_embeddings": 8192, "model_max_length": 131_072}, 131_072),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 4.0}}, 16_384),
        ({"max_position_embeddings": 4096, "rope_scaling": {"rope_type": "dynamic", "factor": 2}}, 8192),
        (
            {"max_position_embeddings": 131_072, "rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
            131_072,
        ),
        ({"max_position_embeddings": 40_960, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, 40_960),
        ({"max_position_embeddings": 32_768, "sliding_window": 4096}, 32_768),
        (
            {
                "model_type": "gemma3",
                "text_config": {
                    "max_position_embeddings": 131_072,
                    "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                },
            },
            131_072,
        ),
        (
            {
                "max_position_embeddings": 8192,
                "rope_parameters": {
                    "full_attention": {"rope_type": "linear", "factor": 2.0},
                    "sliding_attention": {"rope_type": "default"},
                },
            },
            16_384,
        ),
        ({"max_position_embeddings": 10**30}, None),
        ({"max_position_embeddings": "8192"}, None),
        ({}, None),
    ],
)
def test_a_context_is_read_as_vllm_reads_it(config: Mapping[str, Any], tokens: int | None) -> None:
    assert context_of(config) == tokens


@given(
    st.dictionaries(st.sampled_from(["max_position_embeddings", "rope_scaling", "text_config"]), json_values)
)
def test_any_configuration_has_a_context_or_none(config: dict[str, Any]) -> None:
    found = context_of(config)
    assert found is None or found > 1


def folder_with(path: Path, config: object) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return path


@pytest.mark.parametrize("content", ["", "[1]", "{", "null"])
def test_a_configuration_that_cannot_be_read_is_left_to_vllm(tmp_path: Path, content: str) -> None:
    folder = folder_with(tmp_path, content)
    assert config_of(str(folder), Settings()) is None
    assert context_for(str(folder), Settings()) == Settings().judge_context_tokens


def test_a_model_in_the_cache_of_the_hub_is_read_at_its_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repo = tmp_path / "models--org--judge"
    for commit, tokens in (("a" * 40, 4096), ("b" * 40, 8192)):
        (repo / "snapshots" / commit).mkdir(parents=True)
        folder_with(repo / "snapshots" / commit, {"max_position_embeddings": tokens})
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("a" * 40)
    assert context_for("org/judge", Settings()) == 4096
    assert context_for("org/judge", Settings(judge_revision="b" * 40)) == 8192
    assert context_for("org/judge", Settings(judge_context_tokens=2048)) == 2048
    assert context_for("org/other", Settings()) == Settings().judge_context_tokens


def test_a_context_that_is_too_short_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(folder_with(tmp_path, {"max_position_embeddings": 1024}))
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PYTHON", str(tmp_path / "nothing that could be started"))
    with pytest.raises(
        JudgeRefused, match=r"a context of 1,024 tokens.*choose another judge model"
    ) as caught:
        identify(JudgeSpec("vllm", model=folder))
    assert "\n" not in str(caught.value)


def test_explanations_need_a_longer_context_and_the_way_without_them_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(folder_with(tmp_path, {"max_position_embeddings": 32_768}))
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho \'{"vllm": "0.32.0"}\'\n')
    python.chmod(0o755)
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_PYTHON", str(python))
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_CONTEXT_TOKENS", "4096")
    assert identify(JudgeSpec("vllm", model=folder)).name.startswith("vllm:")
    with pytest.raises(JudgeRefused, match=r"CARDIOGRAPH_JUDGE_CONTEXT_TOKENS, or .* --explain 0"):
        identify(JudgeSpec("vllm", model=folder, explains=True))
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_ENGINE_OPTIONS", "--max-model-len 16384")
    assert identify(JudgeSpec("vllm", model=folder, explains=True)).name.startswith("vllm:")


@pytest.mark.parametrize(("kind", "fits"), [("float32", True), ("bfloat16", False), (None, True)])
def test_weights_of_two_bytes_take_twice_as_much_as_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str | None, fits: bool
) -> None:
    pages = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 1000}
    monkeypatch.setattr("tasks.judges.vllm.model.os.sysconf", pages.__getitem__)
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(bytes(200_000))
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(bytes(200_000))
    assert fits_as_float32(tmp_path, {"dtype": kind}) is fits
    assert fits_as_float32(tmp_path, {"torch_dtype": kind}) is fits
