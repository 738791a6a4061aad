"""Descriptions, examples, comparisons and facts: what counts as one."""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS


def passes(check: str, body: str, front: str = "") -> bool:
    return CHECKS[check](evidence_of(f"---\n{front}\n---\n{body}\n" if front else f"{body}\n"))


LONG = (
    "Pond reads a letter to a forestry office and names the topic, the sender and how soon somebody has to answer. It"
    " was made because three clerks spent every morning on this, and because storms bring many letters at once that"
    " nobody can read in time."
)


@pytest.mark.parametrize(
    "body",
    [
        f"# Pond\n\n{LONG}",
        f"## Pond\n\n{LONG}\n\n### Usage\n\nLoad it.",
        f"[![badge](x)](y)\n\n# Pond\n\n> **Note:** a newer one is out.\n\n{LONG}",
        f"# Pond\n\n## Overview\n\n{LONG}",
        f"# Pond\n\n## What is Pond?\n\n{LONG}",
        f"# Pond\n\n## Details\n\n{LONG}",
        f"<h1 align='center'>Pond</h1>\n\n{LONG}",
    ],
)
def test_a_description_is_found_wherever_it_stands(body: str) -> None:
    assert passes("describes_in_depth", body)
    assert "description" in evidence_of(body).parts


@pytest.mark.parametrize(
    "body",
    [
        "# Pond\n\nSorts letters.",
        "# Pond\n\n" + "\n".join(f"- Fact {n}: value {n} of heron{n} word{n}x" for n in "abcdefghijklmnop"),
        f"# Pond\n\n## Usage\n\n{LONG}",
        "# Pond\n\n" + " | ".join(f"[Link{n}](x) to place{n}" for n in "abcdefghijklmnopqrstuvw"),
        f"# Pond\n\n**Note:** {LONG}",
    ],
)
def test_facts_links_and_notices_are_no_description(body: str) -> None:
    assert not passes("describes_in_depth", body)


CODE = "```python\nfrom transformers import pipeline\npipe = pipeline('x', model='ada/pond')\n{}\n```"


@pytest.mark.parametrize(
    "body",
    [
        CODE.format("print(pipe('hello'))  # topic: storms"),
        CODE.format("pipe('hello')  # -> storms"),
        CODE.format("pipe('hello')\n# [{'label': 'storms', 'score': 0.9}]"),
        CODE.format("print(pipe('hello'))\n'''\nstorms\n'''"),
        "## Usage\n\n" + CODE.format("pipe('hello')") + "\n\nOutput:\n\n```\nstorms\n```",
        "| Prompt | Output |\n|---|---|\n| a heron | a bird by a pond |",
        "**User:** What is a heron?\n\n**Assistant:** A bird by a pond.",
        "```\nQ: What is a heron?\nA: A bird by a pond.\n```",
        "## Examples\n\nInput: the storm came. Output: weather",
    ],
)
def test_an_input_with_its_output_is_an_example(body: str) -> None:
    assert passes("shows_example", f"# Pond\n\n{body}")


def test_a_gallery_in_the_metadata_is_an_example() -> None:
    front = "widget:\n- text: a heron\n  output:\n    url: images/heron.png"
    assert passes("shows_example", "# Pond", front)
    assert not passes("shows_example", "# Pond", "widget:\n- text: a heron")


@pytest.mark.parametrize(
    "body",
    [
        CODE.format("pipe('hello')"),
        CODE.format("print(pipe('hello'))  # print the topic"),
        CODE.format("pipe('hello')  # run it"),
        "```\n<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n```",
        "```\n### Instruction:\n{prompt}\n\n### Response:\n```",
        "```\nUSER: {prompt}\nASSISTANT:\n```",
        "**Input:** text only. **Output:** text and code.",
        "| Model | Size |\n|---|---|\n| Pond | 3 |",
    ],
)
def test_code_templates_and_formats_alone_are_no_example(body: str) -> None:
    assert not passes("shows_example", f"# Pond\n\n{body}")


@pytest.mark.parametrize(
    ("body", "compares"),
    [
        ("F1 of 42.1 on Ponds; the base gets 39.8.", True),
        ("F1 on Ponds: 42.1, before tuning: 39.8.", True),
        ("An F1 of 42.1 on Ponds, against 39.8 before.", True),
        ("## Results\n\n| Task | SQuAD | MNLI |\n|---|---|---|\n| | 80.1 | 83.0 |", True),
        ("F1 of 42.1 on Ponds.", False),
    ],
)
def test_a_second_number_is_a_comparison(body: str, compares: bool) -> None:
    assert passes("compares", f"# Pond\n\n{body}") == compares


@pytest.mark.parametrize(
    ("body", "reports"),
    [
        ("## Results\n\n```yaml\nsi_sdr: 8.9\nstoi: 0.84\n```", True),
        ("## Evaluation\n\n```python\nimport x\nwer = 100 * wer.compute(8.9)\n```", False),
        ("[{'label': 'storms', 'score': 0.91}]", False),
        ("The per-device batch size was 16.", False),
        ("An ANLS of 88.5 on DocVQA.", True),
    ],
)
def test_a_metric_beside_its_number_is_a_result(body: str, reports: bool) -> None:
    assert passes("reports_numbers", f"# Pond\n\n{body}") == reports


@pytest.mark.parametrize(
    ("body", "has_facts"),
    [
        (
            "Pond was made by Marta Kint at the Forestry Office of Westmark for letters in Low Frisian and in English,"
            " and reads them as they come.",
            True,
        ),
        (
            "A model with 3 layers of 128 units, trained on 9,000 letters for 12 hours, with a vocabulary of 32,000,"
            " and then pruned by hand.",
            True,
        ),
        (
            "A model that reads letters and says what they are about, and it does so rather well for its size.",
            False,
        ),
    ],
)
def test_names_and_numbers_are_facts(body: str, has_facts: bool) -> None:
    assert passes("has_specifics", f"# Pond\n\n{body}") == has_facts


def test_a_section_on_limits_and_bias_is_two_only_with_both() -> None:
    sections = (
        "# Pond\n\nIt names the topic of a letter to a forestry office.\n\n## Usage\n\nLoad it as you load any."
        "\n\n## Training data\n\nNine thousand letters.\n\n## Limitations and bias\n\nIt confuses herons with cranes{}."
    )
    assert not passes("covers_sections", sections.format(""))
    assert passes("covers_sections", sections.format(", and repeats stereotypes"))
