"""What names the data of a training or of a test, and what only sounds like it."""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS


def passes(check: str, body: str, front: str = "") -> bool:
    text = f"---\n{front}\n---\n{body}" if front else body
    return CHECKS[check](evidence_of(text))


@pytest.mark.parametrize(
    "sentence",
    [
        "It was fine-tuned on the SQuAD dataset.",
        "The model was trained on 12k Reddit posts about gardening.",
        "We trained it on the Harbour Notices corpus for three days.",
        "A version of [north/heron](https://example.org) fine-tuned on the emotion dataset.",
        "Pre-trained on 40 GB of court rulings from two countries.",
        "Fine-tuned with 20 images of my dog using DreamBooth.",
        "Trained for two epochs, utilising the ArXiv abstracts data.",
        "It was instruction-tuned on ~1 million questions to librarians.",
        "Finetuned on LakeBank in two stages.",
        "This adapter was trained on `marta/pond-notes`.",
        "BERT fine tuned to MNLI.",
        "It was trained with Unsloth on the Pond Letters dataset.",
        "Distilled from a larger model using subtitles of silent films.",
    ],
)
def test_a_sentence_that_says_on_what_it_was_trained_names_data(sentence: str) -> None:
    assert passes("data_named", f"# Pond\n\n{sentence}\n")


@pytest.mark.parametrize(
    "sentence",
    [
        "This heron model was trained 2x faster with [Unsloth](https://example.org) and Huggingface's TRL library.",
        "This is a merge of pre-trained language models created using [mergekit](https://example.org).",
        "This model is a fine-tuned version of north/heron on the None dataset.",
        "This model is a fine-tuned version of north/heron on an unknown dataset.",
        "This model is a fine-tuned version of north/heron on the generator dataset.",
        "This model is a fine-tuned version of north/heron on the imagefolder dataset.",
        "This model was trained from scratch on an unspecified dataset.",
        "It has been trained using [TRL](https://example.org).",
        "This model was trained with SFT.",
        "This model was trained with GRPO, a method from another lab.",
        "It was fine-tuned with PPO and a learning rate of 1e-5.",
        "It was fine-tuned using LoRA on a single A100.",
        "A QLoRA tuned with axolotl on 4 x RTX 4090.",
        "Trained with DreamBooth on Google Colab.",
        "The weights were trained on a photo of sks teapot using DreamBooth.",
        "This model was trained from scratch by our team over two months.",
        "Trained with a sequence length of 512 tokens and a batch size of 8 examples.",
        "The model should be fine-tuned on your own dataset.",
        "It is mostly intended to be fine-tuned on a downstream task.",
        "You can continue training on more texts.",
        "It was not trained on medical records.",
        "It was trained on our own dataset.",
        "Trained on high-quality data.",
        "Fine-tuned for question answering on top of a small encoder.",
        "A trained PPO agent that plays a game.",
        "Pretrained models are released on the Hub.",
    ],
)
def test_tools_machines_and_nameless_data_are_no_names(sentence: str) -> None:
    assert not passes("data_named", f"# Pond\n\n{sentence}\n")


@pytest.mark.parametrize(
    ("front", "is_named"),
    [
        ("datasets: pond-letters", True),
        ("datasets:\n- squad\n- None", True),
        ("datasets:\n- name: pond-letters", True),
        ("datasets: None", False),
        ("datasets:\n- generator", False),
        ("datasets: [imagefolder]", False),
        ("datasets: []", False),
    ],
)
def test_metadata_name_data_unless_they_only_say_how_they_are_loaded(front: str, is_named: bool) -> None:
    assert passes("data_named", "# Pond\n\nIt sorts letters.\n", front) == is_named


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        ("Made from [letters](https://huggingface.co/datasets/marta/letters).", True),
        ("[Results](https://huggingface.co/datasets/board-leaderboard/details_heron) of the board.", False),
        (
            "Quantised with [letters](https://huggingface.co/datasets/marta/letters) as calibration data.",
            False,
        ),
        ("## Training data\n\nNine thousand letters to an office.", True),
        ("## Training data\n\nNot disclosed by the team.", False),
        ("## Training data\n\n[More Information Needed]", False),
        ("- Dataset: lakebank", True),
        ("### Framework versions\n\n- Transformers: 4.50.0\n- Datasets: 3.6.0.dev0", False),
        ("## Evaluation\n\n- Dataset: lakebank\n- F1: 80.2", False),
    ],
)
def test_links_sections_and_labels_name_data(body: str, is_named: bool) -> None:
    assert passes("data_named", f"# Pond\n\n{body}\n") == is_named


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        ("## Evaluation\n\nAn accuracy of 91.0 on the Harbour test set.", True),
        ("## Evaluation\n\nF1 of 74.2 on LakeBank.", True),
        ("We measured 88.5 (F1) on `DocVQA`.", True),
        ("The accuracy is 86.1 on 5,000 held-out reviews of boats.", True),
        ("## Results\n\n| Dataset | F1 |\n|---|---|\n| Ponds | 81.0 |", True),
        ("## Results on PondQA\n\n| F1 |\n|---|\n| 81.0 |", True),
        ("## Results\n\n| Metric | Value |\n|---|---|\n| MMLU | 61.0 |", True),
        ("## Evaluation\n\nThe accuracy on the test set is 91.0.", False),
        ("## Evaluation\n\nThe model reaches an F1 of 0.91 on the validation split.", False),
        ("It was fine-tuned on the None dataset. It achieves the following results: F1: 0.91", False),
        ("It was trained on the Pond Letters corpus.", False),
        ("## Validation metrics\n\n- Loss: 0.3\n- F1: 0.91", False),
    ],
)
def test_a_test_set_is_named_where_a_result_is(body: str, is_named: bool) -> None:
    assert passes("names_test_set", f"# Pond\n\n{body}\n") == is_named


TRAINER = "It achieves the following results on the evaluation set:\n- F1: 0.91\n"


@pytest.mark.parametrize(("data", "is_named"), [("the lakebank dataset", True), ("the None dataset", False)])
def test_the_trainers_evaluation_set_is_that_of_its_data(data: str, is_named: bool) -> None:
    body = f"# x\n\nThis model is a fine-tuned version of north/heron on {data}.\n{TRAINER}"
    assert passes("names_test_set", body) == is_named


INDEX = (
    "model-index:\n- name: x\n  results:\n  - dataset:\n      name: {}\n    metrics:\n    - type: f1\n"
    "      value: 0.91"
)


@pytest.mark.parametrize(("name", "is_named"), [("lakebank", True), ("None", False), ("generator", False)])
def test_a_model_index_names_a_test_set_unless_the_name_is_empty(name: str, is_named: bool) -> None:
    assert passes("names_test_set", "# Pond\n\nIt sorts letters.\n", INDEX.format(name)) == is_named


@pytest.mark.parametrize(
    ("table", "is_result"),
    [
        ("| Test set | F1 |\n|---|---|\n| Ponds | 81.0 |", True),
        ("| Hyperparameter | Value |\n|---|---|\n| precision | 16 |\n| epochs | 3 |", False),
        (
            "| | small | large |\n|---|---|---|\n| corpus of wikipedia | 1 | 2 |\n| learning rate | 1e-3 | 5 |",
            False,
        ),
    ],
)
def test_a_table_of_settings_is_no_table_of_results(table: str, is_result: bool) -> None:
    assert passes("structured_results", f"# Pond\n\n{table}\n") == is_result


@pytest.mark.parametrize(
    ("body", "is_described"),
    [
        ("It was trained with a contrastive objective on pairs of letters.", True),
        ("We first froze the encoder and trained the head, then the whole.", True),
        ("The training script is in this repository.", True),
        ("It was aligned by training with DPO on ranked answers.", True),
        ("A merge, merged using the TIES method.", True),
        ("It was trained on nine thousand letters.", False),
        ("A pretrained model for letters.", False),
        ("It was trained from scratch.", False),
    ],
)
def test_a_sentence_tells_how_it_was_trained(body: str, is_described: bool) -> None:
    assert passes("procedure_described", f"# Pond\n\n{body}\n") == is_described
