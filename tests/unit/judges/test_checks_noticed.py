"""What edited cards showed the checklist to overlook, and what it took for evidence that was none."""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS

CARD = "# Tidewords\n\nThis model sorts short messages by what their senders want.\n\n## Notes\n\n{}\n"


def passes(check: str, text: str) -> bool:
    return CHECKS[check](evidence_of(CARD.format(text)))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("names_origin", "It is a graph neural network with three rounds of message passing."),
        ("names_origin", "Everything below the last layer comes from CodeT5."),
        ("intended_use", "Typical uses are routing tickets at a help desk and sorting answers."),
        ("intended_use", "Das Modell ist für Redaktionen kleiner Zeitungen gedacht."),
        ("out_of_scope", "Medical questions are outside what this model was built for."),
        ("out_of_scope", "Nobody should be hired or fired on the strength of its output."),
        ("shows_example", "For “my parcel is late” the model returns “complaint”."),
        ("shows_example", "```\nEingabe: Mein Paket ist zu spät.\nAusgabe: Beschwerde\n```"),
        ("says_requirements", "Works with transformers 4.12 and later."),
        ("data_named", "It has seen the English Wikipedia and the Gutenberg novels."),
        ("data_described", "We collected 2.1 million sentences from the minutes of town councils."),
        ("data_described", "There are 9,300 recipes in the training set, scanned from old cookbooks."),
        ("procedure_described", "Das Training lief in zwei Stufen; zuerst war der Encoder eingefroren."),
        ("compute_given", "It was trained over a weekend on an ordinary laptop."),
        ("names_test_set", "On the test split of CoNLL-2003 the model reaches an F1 of 91.4."),
        ("compares", "The F1 rises from 71.2 to 75.0 once the model is tuned."),
        (
            "explains_protocol",
            "We evaluated on letters that were not part of training. Each was scored once, without sampling, and a "
            "prediction counts as right if two editors had agreed on it.",
        ),
        ("limitations_stated", "Recognition gets much worse when two people speak at once."),
        (
            "limits_specific",
            "Das Modell versagt bei Briefen in Mundart und bei Nachrichten mit weniger als fünf Wörtern.",
        ),
        (
            "mitigation_given",
            "It fails on letters in dialect. Have a person check every letter of that kind.",
        ),
        ("references_given", "Questions? Write to letters@harbour-lab.org."),
    ],
)
def test_evidence_is_noticed_without_a_heading_that_announces_it(check: str, text: str) -> None:
    assert passes(check, text)
    assert not passes(check, "The tide comes in at four.")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("names_origin", "Works with transformers 4.12."),
        ("data_named", "It was trained with great care on carefully chosen data."),
        ("data_named", "## Trainingsdaten\n\nTODO"),
        ("data_named", "## 训练数据\n\n待补充"),
        (
            "data_described",
            "It was trained on SQuAD and has 92 million parameters, 368 MB of memory in full precision.",
        ),
        ("data_described", "It was trained on SQuAD, with 64 examples in a batch."),
        ("data_described", "It was trained on SQuAD, on 4 RTX 2080 (11 GB)."),
        ("out_of_scope", "Drawings are outside what it has seen."),
        (
            "explains_protocol",
            "We evaluated it and are happy with what it does on most of the letters that we have got so far here.",
        ),
        ("limitations_stated", "Two mistakes of version 1 were repaired."),
        ("limitations_stated", "Duplicates were dropped and names were replaced by numbers."),
    ],
)
def test_what_only_looks_like_evidence_is_not_taken_for_it(check: str, text: str) -> None:
    assert not passes(check, text)


def test_a_section_of_another_kind_does_not_tell_what_the_model_is() -> None:
    bare = "# Tidewords\n\n## {}\n\n{}\n"
    told = CHECKS["states_what_it_is"]
    assert not told(
        evidence_of(bare.format("What it took", "Training took nine hours on a single V100 of ours."))
    )
    assert not told(
        evidence_of(bare.format("News", "A report with all details will follow in spring or summer."))
    )
    assert told(
        evidence_of(bare.format("News", "This model sorts letters from readers by what they ask for."))
    )
