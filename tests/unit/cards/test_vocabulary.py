"""The Hub's own words: dated, well formed, and with what everybody knows in them."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from tasks.cards import vocabulary

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", vocabulary.FILES)
def test_a_file_says_where_its_words_are_from_and_when(name: str) -> None:
    origin = vocabulary.origin(name)
    assert re.search(r"npm .+ \d+\.\d+\.\d+ \(MIT\)|github\.com/", origin.source)
    assert date(2026, 9, 1) < origin.date


def test_every_json_file_beside_the_reader_is_read() -> None:
    folder = ROOT / "tasks" / "cards" / "vocabulary"
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(vocabulary.FILES)


def test_the_versions_that_are_installed_are_those_that_the_files_name() -> None:
    pinned = (ROOT / "deployments" / "vocabulary" / "package.json").read_text(encoding="utf-8")
    for name in ("libraries", "languages"):
        for version in re.findall(r"\d+\.\d+\.\d+", vocabulary.origin(name).source):
            assert f'"{version}"' in pinned


ANCHORS = """
libraries     | transformers diffusers sentence-transformers peft timm spacy mlx lerobot open_clip stable-baselines3
pipeline_tags | text-generation fill-mask image-text-to-text any-to-any robotics text-ranking time-series-forecasting
apps          | llama.cpp vllm ollama lmstudio sglang docker-model-runner
formats       | gguf onnx safetensors
licenses      | apache-2.0 mit openmdw-1.1 llama3.3 gemma cc0-1.0 openrail++ unknown other
languages     | en de zh yue ar no nb nob fil cmn gsw ger deu und code multilingual
relations     | adapter finetune merge quantized
"""


@pytest.mark.parametrize("line", ANCHORS.strip().splitlines())
def test_what_everybody_knows_is_there(line: str) -> None:
    name, _, words = line.partition("|")
    known = getattr(vocabulary, name.strip())()
    assert set(words.split()) <= set(known)


def test_the_lists_have_the_size_that_the_hub_says() -> None:
    assert len(vocabulary.licenses()) == 83
    assert len(vocabulary.libraries()) >= 257
    assert len(vocabulary.pipeline_tags()) >= 57
    assert sum(len(tag.subtasks) for tag in vocabulary.pipeline_tags().values()) >= 75
    assert len(vocabulary.languages()) > 8_000


def test_words_that_are_no_codes_are_no_languages() -> None:
    assert vocabulary.languages().isdisjoint(
        {"jp", "cn", "kr-KR", "qq", "english", "zh-CN", "EN", "qaa-qtz", ""}
    )


@pytest.mark.parametrize("name", ["gguf", "onnx", "vllm", "ollama", "pytorch", "llama.cpp"])
def test_formats_and_apps_are_no_unknown_libraries(name: str) -> None:
    assert name not in vocabulary.libraries()
    assert name in vocabulary.library_names()


def test_what_is_written_by_hand_is_not_in_the_packages_already() -> None:
    added = tomllib.loads((ROOT / "tasks/cards/vocabulary/additions.toml").read_text(encoding="utf-8"))
    names = [name for words in added["libraries"].values() for name in words]
    assert len(names) == len(set(names))
    assert set(names).isdisjoint(vocabulary.libraries())
    assert set(added["tasks"]["retired"]).isdisjoint(vocabulary.pipeline_tags())


def test_every_library_has_a_name_an_address_and_files_that_count() -> None:
    for key, library in vocabulary.libraries().items():
        assert library.name, key
        assert re.match(r"https?://", library.repo_url), key
        assert library.counts, key
        assert set(library.tasks) <= vocabulary.pipeline_tags().keys(), key


COUNTS = """
timm             | pytorch_model.bin | yes
timm             | model.safetensors | yes
timm             | config.json       | no
hunyuan3d-2      | model_index.json  | yes
llama-cpp-python | config.json       | yes
whisperkit       | a/b/model.mil     | yes
whisperkit       | model.mil         | no
"""


@pytest.mark.parametrize("line", COUNTS.strip().splitlines())
def test_the_files_whose_request_counts_as_a_download(line: str) -> None:
    library, path, counts = (cell.strip() for cell in line.split("|"))
    assert vocabulary.counts_as_download(path, library) == (counts == "yes")


@pytest.mark.parametrize("path", ["README.md", "LICENSE"])
def test_what_the_crawl_asks_for_counts_for_no_library(path: str) -> None:
    assert [key for key in vocabulary.libraries() if vocabulary.counts_as_download(path, key)] == []


def test_the_commands_of_apps_begin_as_people_type_them() -> None:
    commands = {command for app in vocabulary.apps().values() for command in app.commands}
    wanted = {"llama serve", "llama-server", "ollama run", "vllm serve", "docker model run", "lemonade pull"}
    assert wanted <= commands
    assert "python3 -m sglang.launch_server" in commands


def test_snippets_say_which_modules_a_library_imports() -> None:
    libraries = vocabulary.libraries()
    assert "sentence_transformers" in libraries["sentence-transformers"].modules
    assert "timm" in libraries["timm"].modules


def test_tasks_that_do_without_words() -> None:
    wordless = vocabulary.wordless_tasks()
    assert {
        "image-classification",
        "robotics",
        "graph-ml",
        "voice-activity-detection",
        "video-to-video",
    } <= wordless
    assert wordless.isdisjoint(
        {"text-to-image", "automatic-speech-recognition", "zero-shot-object-detection", "fill-mask", "other"}
    )


def test_the_demo_speaks_the_vocabulary_of_the_hub() -> None:
    demo = ROOT / "tasks" / "demo"
    trades = (demo / "trades.toml").read_text(encoding="utf-8")
    names = tomllib.loads((demo / "names.toml").read_text(encoding="utf-8"))
    assert set(re.findall(r'^pipeline = "(.+)"$', trades, re.MULTILINE)) <= vocabulary.pipeline_tags().keys()
    assert set(names["licences"]) <= vocabulary.licenses()
