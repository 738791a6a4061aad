"""Which section of the taxonomy a heading, a label or a text without a heading belongs to."""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.cards.taxonomy import sections_named


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("🧨 Diffusers", "how_to_use"),
        ("🤗 Transformers", "how_to_use"),
        ("Download", "how_to_use"),
        ("Run the model", "how_to_use"),
        ("Run with Ollama", "how_to_use"),
        ("Running on a phone", "how_to_use"),
        ("Inference with vLLM", "how_to_use"),
        ("Prompt format", "how_to_use"),
        ("Chat template", "how_to_use"),
        ("How to fine-tune", "how_to_use"),
        ("Cite as:", "citation"),
        ("Details", "description"),
        ("What is Pond?", "description"),
        ("TL;DR", "description"),
        ("Evaluation dataset", "evaluation"),
        ("Known limits", "limitations"),
        ("When not to use it", "out_of_scope"),
    ],
)
def test_headings_of_today_are_known(heading: str, section: str) -> None:
    assert sections_named(heading) == {section}


@pytest.mark.parametrize("heading", ["Model Sources", "See also", "Transformers are large birds"])
def test_links_to_more_are_no_citation_and_a_library_in_a_title_no_instruction(heading: str) -> None:
    assert sections_named(heading) == frozenset()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("## Fine-tuning\n\nTo adapt it to your letters, run:\n\n```\ntrainer.train()\n```", "how_to_use"),
        (
            "## Training\n\nYou can train your own model with this script:\n\n```\npython train.py\n```",
            "how_to_use",
        ),
        ("## Fine-tuning\n\nThe model was fine-tuned for two epochs on letters.", "training_procedure"),
        ("## Training\n\n```\npython train.py\n```", "training_procedure"),
        ("## Fine-tuning\n\nWe trained it for you on nine thousand letters.", "training_procedure"),
        ("## Fine-tuning details and training data\n\nYou can see it in your logs here.", "training_data"),
    ],
)
def test_fine_tuning_tells_how_it_was_made_or_how_to_go_on(body: str, expected: str) -> None:
    parts = evidence_of(f"# Pond\n\n{body}\n").parts
    assert expected in parts
    assert len({"how_to_use", "training_procedure"} & parts.keys()) <= 1


@pytest.mark.parametrize(
    ("body", "is_limitation"),
    [
        ("## Disclaimer\n\nAnswers may contain errors; check them.", True),
        ("## Disclaimer\n\nProvided as is; in no event are the authors liable.", False),
        ("## Limitations and disclaimer\n\nProvided as is; in no event are the authors liable.", True),
    ],
)
def test_a_disclaimer_is_a_limitation_where_it_states_one(body: str, is_limitation: bool) -> None:
    assert ("limitations" in evidence_of(f"# Pond\n\n{body}\n").parts) == is_limitation


@pytest.mark.parametrize(
    ("label", "section", "is_there"),
    [
        ("**Paper:** [On ponds](https://example.org)", "citation", False),
        ("**Citation:** Kint, M. On ponds, 2024.", "citation", True),
        ("- Datasets: 4.4.1", "training_data", False),
        ("- Dataset: pond letters", "training_data", True),
        ("- License: MIT", "license", True),
    ],
)
def test_a_label_is_a_section_where_it_says_something(label: str, section: str, is_there: bool) -> None:
    assert (section in evidence_of(f"# Pond\n\n{label}\n").parts) == is_there


def test_prose_before_the_first_section_describes_the_model() -> None:
    prose = "It names the topic of a letter to a forestry office."
    for body in (
        f"# Pond\n\n{prose}\n\n## License\n\nMIT",
        f"{prose}\n",
        f"# Pond\n\n![a pond](x.png)\n\n{prose}\n",
    ):
        assert "description" in evidence_of(body).parts
    for body in (
        "# Pond\n\n## Usage\n\nLoad it.",
        "# Pond\n\n- Licence: MIT\n- Size: 3",
        "# Pond\n\nSorts letters.",
    ):
        assert "description" not in evidence_of(body).parts


def test_the_title_names_no_section_at_whatever_level_it_stands() -> None:
    title = "Spanish letters: evaluation of a demo"
    for level in ("#", "##", "###"):
        body = f"{level} {title}\n\nIt names topics.\n\n{level}# License\n\nMIT\n"
        assert "evaluation" not in evidence_of(body).parts
    assert (
        "how_to_use" in evidence_of("## How to use it\n\nLoad it as any model.\n\n## License\n\nMIT\n").parts
    )
