"""Servers of many makes introduce themselves; whatever they say is read, and a wrong model is never asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import JudgeRefused
from tasks.judges.llm.served import ServesAnother
from tasks.judges.openai.introductions import (
    Introduction,
    by_llama_cpp,
    by_lm_studio,
    by_ollama,
    chosen,
    context_in,
    entries_of,
    host_of,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=15,
)
KNOWN = Introduction("m", "local", context_tokens=100)
LISTED = [{"id": "openai/gpt-oss-120b"}, {"id": "/models/SmolLM2.gguf"}, {"id": "qwen3:8b"}]


@pytest.mark.parametrize(
    ("requested", "name", "meant"),
    [
        ("openai/gpt-oss-120b", "openai/gpt-oss-120b", 0),
        ("openai/gpt-oss-120b:cerebras", "openai/gpt-oss-120b:cerebras", 0),
        ("SmolLM2.gguf", "/models/SmolLM2.gguf", 1),
        ("qwen3:8b", "qwen3:8b", 2),
    ],
)
def test_a_model_is_named_as_the_server_names_it(requested: str, name: str, meant: int) -> None:
    assert chosen(LISTED, requested, "http://x") == (name, LISTED[meant])


@pytest.mark.parametrize("requested", ["qwen3", "gpt-4", "qwen3:4b", ""])
def test_a_model_that_is_not_served_is_refused_with_those_that_are(requested: str) -> None:
    with pytest.raises(ServesAnother, match=r"http://x serves openai/gpt-oss-120b, .*qwen3:8b"):
        chosen(LISTED, requested, "http://x")


def test_without_a_name_there_must_be_no_choice() -> None:
    assert chosen(LISTED[:1], None, "http://x")[0] == "openai/gpt-oss-120b"
    with pytest.raises(JudgeRefused, match="name one of them with --judge openai:MODEL"):
        chosen(LISTED, None, "http://x")
    with pytest.raises(JudgeRefused, match="serves nothing"):
        chosen([], None, "http://x")


def test_a_context_is_that_of_the_provider_that_is_named() -> None:
    providers = [{"provider": "a", "context_length": 10}, {"provider": "b", "context_length": 20}]
    assert context_in({"providers": providers}, "m:b") == 20
    assert context_in({"providers": providers}, "m") == 0  # any of them may answer
    assert context_in({"context_length": 30}, "m") == 30
    assert context_in({"max_model_len": True}, "m") == 0


def test_servers_of_ones_own_say_more() -> None:
    props = {"default_generation_settings": {"n_ctx": 8192}, "build_info": "b11434-abc", "total_slots": 4}
    assert by_llama_cpp(KNOWN, props) == Introduction("m", "llama.cpp", "b11434-abc", 8192)
    running = {"models": [{"name": "m:latest", "digest": "a2af6cc3eb7fa8be8504", "context_length": 4096}]}
    assert by_ollama(KNOWN, {"version": "0.12.3"}, running) == Introduction(
        "m", "ollama", "0.12.3", 4096, "a2af6cc3eb7fa8be"
    )
    assert by_lm_studio(KNOWN, {"loaded_context_length": 2048}) == Introduction("m", "LM Studio", "", 2048)


@given(st.dictionaries(st.sampled_from(["data", "models", "default_generation_settings"]) | st.text(), JSON))
def test_whatever_a_server_says_is_read(fields: dict[str, Any]) -> None:
    assert all(isinstance(entry["id"], str) for entry in entries_of(fields))
    for known in (
        by_llama_cpp(KNOWN, fields),
        by_ollama(KNOWN, fields, fields),
        by_lm_studio(KNOWN, fields),
    ):
        assert known.model == "m"
        assert known.context_tokens >= 0
    assert context_in(fields, "m") >= 0


def test_the_provider_is_part_of_who_judges_and_a_private_address_is_not() -> None:
    assert host_of("https://router.huggingface.co/v1") == "router.huggingface.co"
    for url in (
        "http://127.0.0.1:8080",
        "http://gpu-1:8000",
        "http://[::1]:1",
        "http://192.168.0.7",
        "http://a.local",
    ):
        assert host_of(url) == "local"
