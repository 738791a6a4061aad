"""What is the same sentence, and what is left of a card without those that nobody wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cards.boilerplate import boilerplate, names_in, sentence_id, sentences_of
from tasks.cards.evidence import evidence_of
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText

FORM = [
    "This adapter was fitted with Quickforge on ada/ledger-7b over 3 rounds.",
    "It answers questions about invoices as its base model does.",
    "Load it with the usual loader and call the generate method on a prompt.",
    "The run was logged and the checkpoint with the lowest loss was kept for upload.",
]
OWN = (
    "I wanted a model that reads the parish registers of my valley. They are written in Ladin, with "
    "abbreviations that changed with each priest, and no optical reader I tried got more than half of the "
    "names right. So my sister and I typed four hundred pages by hand, and marked baptisms, marriages and "
    "burials. Entries before 1650 are still hard: ink has bled through, and Latin forms are mixed in."
)


def table_of(*sentences: str) -> object:
    return boilerplate("t1", map(sentence_id, sentences))


@pytest.mark.parametrize(
    "other",
    [
        "This model is a fine-tuned version of mistral/Ministral-3B on the SQuAD dataset, 12 epochs.",
        "This model is a fine-tuned version of bert-base-uncased on the GermEval2014 dataset, 3 epochs.",
        "This model is a fine-tuned version of https://example.org/x on the IMDB dataset, 1.5 epochs.",
    ],
)
def test_names_numbers_and_addresses_make_no_other_sentence(other: str) -> None:
    one = "This model is a fine-tuned version of ada/base on the Ledger dataset, 5 epochs."
    assert sentence_id(other) == sentence_id(one) != 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It was trained on invoices.", "It was trained on receipts."),
        ("Das Modell liest Rechnungen.", "Das Modell liest keine Rechnungen, nur kurze."),
        ("本模型用于翻译。", "本模型用于摘要。"),
    ],
)
def test_other_words_make_another_sentence(one: str, other: str) -> None:
    assert sentence_id(one) != sentence_id(other)


@pytest.mark.parametrize(
    "sentence", ["", "512", "config.json5", "English", "bert-base-uncased", "v1.2 / v1.3"]
)
def test_what_is_hardly_a_sentence_has_no_digest(sentence: str) -> None:
    assert sentence_id(sentence) == 0


def test_names_are_what_a_digest_leaves_out() -> None:
    assert names_in("Fitted on ada/base for 3 rounds with Quickforge") == ["ada/base", "3", "Quickforge"]


def test_scripts_without_blanks_have_sentences_too() -> None:
    assert [*sentences_of("模型用于翻译。请勿用于医疗。")][:2] == ["模型用于翻译。", "请勿用于医疗。"]


@given(st.text())
def test_any_text_has_sentences_and_digests(text: str) -> None:
    table = boilerplate("none", [])
    assert table.own(text) == text
    assert all(-(2**63) <= sentence_id(sentence) < 2**63 for sentence in sentences_of(text))


def card(*paragraphs: str) -> str:
    return "# Some model\n\n" + "\n\n".join(paragraphs)


def test_a_card_of_what_nobody_wrote_is_generated_whatever_tool_made_it() -> None:
    table = boilerplate("t1", map(sentence_id, FORM))
    filled_in = [FORM[0].replace("ada/ledger-7b", "bob/Songs-2"), *FORM[1:]]
    found, before = evidence_of(card(*filled_in), table), evidence_of(card(*filled_in))
    assert found.is_generated
    assert found.own_words == 0
    assert not before.is_generated
    assert before.own_words == before.words


def test_what_a_person_adds_to_a_form_is_the_persons() -> None:
    table = boilerplate("t1", map(sentence_id, FORM))
    found = evidence_of(card(*FORM, OWN), table)
    assert not found.is_generated
    assert found.own == OWN.casefold()


def test_a_form_that_nobody_edited_is_worth_little_more_than_two() -> None:
    table = boilerplate("t1", map(sentence_id, FORM))
    text = CardText("hash", _rich(card(*FORM)))
    (plain,), (known,) = ChecklistJudge().score([text]), ChecklistJudge(table=table).score([text])
    assert plain.score is not None
    assert known.score is not None
    assert plain.score > 2.6
    assert 2 < known.score < 2.5
    assert plain.fingerprint != known.fingerprint


def _rich(text: str) -> str:
    """With all that a tool can fill in: front matter, code, a table of results, hyperparameters."""
    front = "---\nlicense: mit\nlanguage: en\npipeline_tag: text-generation\nbase_model: ada/base\n---\n"
    code = "## Usage\n\n```python\nfrom quickforge import load\nmodel = load('ada/base')\nmodel.generate('x')\n```\n"
    results = "\n## Evaluation\n\n| metric | SQuAD | GLUE |\n|---|---|---|\n| accuracy | 0.91 | 0.88 |\n"
    training = "\n## Training procedure\n\n- learning_rate: 2e-5\n- batch_size: 16\n- epochs: 3\n"
    return f"{front}{text}\n\n{code}{results}{training}"
