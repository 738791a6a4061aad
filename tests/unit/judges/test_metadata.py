"""Which front matter the Hub takes, key by key; and that no front matter, however odd, stops a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cards.evidence import evidence_of
from tasks.cards.front_matter import read_front_matter
from tasks.judges.checks import CHECKS
from tasks.judges.metadata import has_value, refused_keys

CASES = Path(__file__).parents[4] / "shared" / "cases"

TAKEN = """
license: mit
license: openmdw-1.1
license: llama4
license: eupl-1.2
license: unknown
license: [apache-2.0, cc-by-4.0]
license: other, license_name: harbour-community, license_link: LICENSE.md
license: other, license_link: "https://example.org/terms"
license: other, license_name: harbour-community
license: mit, license_link: ./LICENSE
language: en
language: no
language: nob
language: ger
language: yue
language: code
language: multilingual
language: [de, code]
language: [sr, hbs, und]
language: pt, language_bcp47: [pt-BR]
language: zh, language_bcp47: zh-Hant-TW
language: es, language_bcp47: [es-419, es-ES]
language: [en, fr, pt-BR]
language: [en, ja, zh-Hans, zh-Hant]
tags: []
tags: [anything goes, 2x]
pipeline_tag: image-text-to-text
pipeline_tag: image-text-to-video
pipeline_tag: video-to-video
pipeline_tag: visual-document-retrieval
pipeline_tag: any-to-any
pipeline_tag: other
pipeline_tag: conversational
library_name: transformers
library_name: PaddleOCR
library_name: lerobot
library_name: gguf
library_name: onnx
library_name: vllm
library_name: llama.cpp
library_name: pytorch
library_name: ollama
library_name: scikit-learn
datasets: imdb
datasets: [HuggingFaceFW/fineweb-edu, harbour/notices_v1.2]
base_model: harbour/tide-7b
base_model: bert-base-uncased
base_model: [harbour/tide-7b, ada/Tide.Instruct-0.5B]
base_model: a/b, base_model_relation: adapter
base_model: a/b, base_model_relation: finetune
base_model: a/b, base_model_relation: merge
base_model: a/b, base_model_relation: quantized
new_version: harbour/tide-8b
model-index: [{name: tide, results: []}]
model-index: [{name: tide, results: [{task: {type: ner}, metrics: [{type: f1, value: 0.9}]}]}]
inference: false, widget: [{text: hello}], co2_eq_emissions: {emissions: 12}, thumbnail:
"""

REFUSED = """
license | license: MIT
license | license: apache 2.0
license | license: Apache-2.0
license | license: proprietary
license | license: openmdw-9
license | license:
license | license: []
license | license: [mit, my own]
license | license: {name: mit}
license | license: other
license license_name | license: other, license_name: ""
license | license: [mit, other]
license_name | license: other, license_name: [a], license_link: LICENSE
license_link | license: other, license_name: a, license_link: see the file of that name
language | language:
language | language: []
language | language: ""
language | language: [en, ""]
language | language: [null]
language | language: EN
language | language: english
language | language: Deutsch
language | language: python
language | language: genes
language | language: cn
language | language: vn
language | language: xq
language | language: unknown
language | language: en-US
language | language: de_DE
language | language: zh-Hans
language | language: fr-en
language | language: en de
language | language: "en, de"
language | language: en/de
language | language: [zh-TW]
language | language: [en, zh-TW]
language | language: [en, de, japanese]
language | language: [en, de, pt_br]
language | language: [en, de, qx-AB]
language | language: {en: 1}
language | language: [[en]]
language_bcp47 | language: pt, language_bcp47: brazilian
language_bcp47 | language: pt, language_bcp47: []
tags | tags: robotics
tags | tags:
tags | tags: [null]
tags | tags: [{a: b}]
pipeline_tag | pipeline_tag: text-generaton
pipeline_tag | pipeline_tag: Text Generation
pipeline_tag | pipeline_tag: [text-generation]
pipeline_tag | pipeline_tag: llm
pipeline_tag | pipeline_tag: ner
pipeline_tag | pipeline_tag:
library_name | library_name: tranformers
library_name | library_name: [peft]
library_name | library_name: my code
library_name | library_name:
datasets | datasets:
datasets | datasets: []
datasets | datasets: [None]
datasets | datasets: [null]
datasets | datasets: notes of harbour masters
datasets | datasets: [imdb, letters that we wrote]
datasets | datasets: "imdb, squad"
datasets | datasets: [https://huggingface.co/datasets/imdb]
datasets | datasets: ./data/train
datasets | datasets: [a/b/c]
datasets | datasets: [{imdb: plain}]
datasets | datasets: [海港/通知]
base_model | base_model: Tide 7B
base_model | base_model: /mnt/models/tide-7b
base_model | base_model: https://huggingface.co/harbour/tide-7b
base_model | base_model: None
base_model | base_model: "[More Information Needed]"
base_model | base_model: a--b/c
base_model | base_model: {name: a/b}
base_model_relation | base_model: a/b, base_model_relation: fine-tuned
base_model_relation | base_model: a/b, base_model_relation: Quantized
base_model_relation | base_model: a/b, base_model_relation: [merge]
new_version | new_version: the next one
new_version | new_version: [a/b]
new_version | new_version: tide-8b
new_version | new_version:
model-index | model-index: {name: tide, results: []}
model-index | model-index: [{results: []}]
model-index | model-index: [{name: "", results: []}]
model-index | model-index: [{name: tide}]
model-index | model-index: [{name: tide, results: [{metrics: []}]}]
model-index | model-index: [{name: tide, results: [{task: {type: ner}, metrics: {f1: 1}}]}]
"""


def refused(line: str) -> list[str]:
    front = read_front_matter(f"{{{line} }}")
    assert front.error is None
    return list(refused_keys(front.metadata))


@pytest.mark.parametrize("line", TAKEN.strip().splitlines())
def test_what_the_hub_takes_is_not_refused(line: str) -> None:
    assert refused(line) == []


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_the_hub_does_not_take_is_refused_by_its_key(line: str) -> None:
    keys, _, front = line.partition(" | ")
    assert set(refused(front)) == set(keys.split())


# --------------------------------------------------------------------------------------------- the checks

CHECKED = """
license_given  | yes | license: mit
license_given  | no  | license: None
license_given  | no  | license: unknown
language_given | yes | language: [pt-BR]
language_given | yes | tags: [Voice Activity Detection]
language_given | yes | pipeline_tag: video-to-video
language_given | no  | language: unk
language_given | no  | pipeline_tag: text-to-image
language_given | no  | pipeline_tag: other
task_given     | yes | tags: [gguf]
task_given     | yes | tags: [PyTorch]
task_given     | yes | tags: [sentiment analysis]
task_given     | yes | tags: [named_entity_recognition]
task_given     | yes | library_name: a thing of ours
task_given     | no  | tags: [boats, other]
lineage_given  | yes | base_model: [a/b]
lineage_given  | no  | base_model: None
lineage_given  | no  | datasets: [null, ""]
metadata_valid | yes | license: mit, library_name: gguf
metadata_valid | no  | license: mit
metadata_valid | no  | license: mit, library_name: gguf, new_version: soon
metadata_valid | no  | license: mit, library_name: gguf, language: []
"""


@pytest.mark.parametrize("line", CHECKED.strip().splitlines())
def test_the_checks_of_the_criterion_metadata(line: str) -> None:
    check, passes, front = (cell.strip() for cell in line.split("|"))
    text = f"---\n{{{front} }}\n---\n# Tide\n\nIt reads tide tables.\n"
    assert CHECKS[check](evidence_of(text)) == (passes == "yes")


scalars = st.none() | st.text(max_size=20) | st.sampled_from(["en", "mit", "other", "a/b", "pt-BR", "no"])
anything = st.recursive(
    scalars | st.booleans() | st.integers() | st.floats() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    *("license", "license_name", "license_link", "language", "language_bcp47", "tags", "pipeline_tag"),
    *("library_name", "datasets", "base_model", "base_model_relation", "new_version", "model-index"),
)


@given(st.dictionaries(st.sampled_from(KEYS), anything))
def test_any_metadata_is_taken_or_refused_and_never_raises(metadata: dict[str, Any]) -> None:
    assert set(refused_keys(metadata)) <= metadata.keys()
    assert all(isinstance(has_value(value), bool) for value in metadata.values())


def test_a_list_without_end_is_read_in_time() -> None:
    assert list(
        refused_keys({"language": ["en"] * 1_000_000, "datasets": ["a" * 1_000_000, "-" * 1_000_000]})
    ) == ["datasets"]


VERDICTS = {
    **dict.fromkeys(("a_code", "b_code_list", "k_bcp", "m_no", "q_license_arr"), True),
    **dict.fromkeys(("d_zhCN", "e_ptBR", "f_jp", "h_noinfo", "i_english", "j_empty", "n_protein"), False),
    **dict.fromkeys(("o_ab", "p_dataset_prose"), False),
}


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_the_cases_come_out_right(name: str) -> None:
    text = (CASES / "metadata_valid" / f"{name}.md").read_text(encoding="utf-8")
    assert CHECKS["metadata_valid"](evidence_of(text)) == VERDICTS[name]


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_the_new_fields_are_valid() -> None:
    text = (CASES / "cards" / "15_new_fields.md").read_text(encoding="utf-8")
    assert CHECKS["metadata_valid"](evidence_of(text))
