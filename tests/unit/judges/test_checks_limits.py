"""What a model is not for, where it fails, and whether that is said of this model."""

from __future__ import annotations

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS


def passes(check: str, body: str) -> bool:
    return CHECKS[check](evidence_of(f"# Pond\n\n{body}\n"))


@pytest.mark.parametrize(
    "sentence",
    [
        "Do not use it to decide about a person.",
        "This model should not be used for medical advice.",
        "It cannot be used on recordings with two speakers.",
        "We do not recommend it for production.",
        "For tasks such as translation you should look at models like Heron.",
        "Experiment, do not use.",
        "It is not a substitute for a lawyer.",
        "Not for commercial use.",
        "It isn't meant for children.",
        "Use is restricted: for research purposes only.",
        "It does not provide medical advice.",
        "Do not let it decide on scans.",
        "Avoid using the model on poems.",
        "Languages other than Czech are out of scope.",
    ],
)
def test_what_it_is_not_for_is_said_in_many_ways(sentence: str) -> None:
    assert passes("out_of_scope", sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Use it for letters.",
        "SentencePiece is not used in this model.",
        "Our measure differs as others don't use the same script.",
        "The vocabulary is not restricted to modern spelling.",
        "A fixed seed avoids using random numbers.",
        "It is not large.",
    ],
)
def test_other_negations_are_no_use_ruled_out(sentence: str) -> None:
    assert not passes("out_of_scope", sentence)


@pytest.mark.parametrize(
    "body",
    [
        "## Limitations\n\nComments of fewer than four words score close to chance.",
        "## Limitations\n\nIt misreads handwriting in Gothic letters and counts herons twice.",
        "## Known issues\n\nAbove a weight of 1.2 everything turns into texture.",
        "Known limitation: nested names are reduced to the outer one.",
        "It does not work on poems longer than two stanzas of rhymed verse.",
        "## Bias\n\nAsked for a miller or a smith, it writes of men nine times in ten.",
        "## Limitations\n\nThis model can be wrong:\n\n```\nprint(judge('heron'))\n# 'frog'\n```",
    ],
)
def test_a_limit_of_this_model_is_specific(body: str) -> None:
    assert passes("limits_specific", body)


@pytest.mark.parametrize(
    "body",
    [
        "## Limitations\n\nThe model may produce inaccurate, biased or offensive content. Use it with caution.",
        "## Bias, Risks, and Limitations\n\nUsers (both direct and downstream) should be aware of the risks, biases and"
        " limitations of the model. More information is needed for further recommendations.",
        "## Limitations\n\nThis model is limited by its training data. It may not generalize well to all use cases.",
        "## Limitations\n\nAs a large language model it can hallucinate and may reflect biases of its training data.",
        "## Limitations\n\nSame limits as the base model.",
        "## Intended uses & limitations\n\nYou can use the model to sort letters by topic and by sender.",
        "It sorts letters by topic and by sender.",
    ],
)
def test_a_formula_is_not_specific(body: str) -> None:
    assert not passes("limits_specific", body)


@pytest.mark.parametrize(
    ("body", "is_stated"),
    [
        ("## Limitations\n\nIt confuses herons with cranes at dusk.", True),
        (
            "## Intended uses & limitations\n\nYou can use it to sort letters. It does not work on poems.",
            True,
        ),
        ("## Intended uses & limitations\n\nYou can use it to sort letters by topic and sender.", False),
        ("## Disclaimer\n\nThe answers may be inaccurate or outdated; it fails on dates before 1900.", True),
        (
            "## Disclaimer\n\nThe authors accept no liability for damages of third parties in any event.",
            False,
        ),
        ("## Disclaimer\n\nAll trademarks belong to their owners, who did not take part in this.", False),
        ("## Issues?\n\nThe tracker for this library is on its own page over there.", False),
    ],
)
def test_a_heading_for_more_states_a_limit_only_with_one_beneath_it(body: str, is_stated: bool) -> None:
    assert passes("limitations_stated", body) == is_stated


@pytest.mark.parametrize(
    ("body", "is_stated"),
    [
        ("## Limitations and bias\n\nIt confuses herons with cranes at dusk and in fog.", False),
        ("## Limitations and bias\n\nIt repeats the stereotypes of its letters.", True),
        ("## Bias\n\nThe letters were written by men, and it shows in the topics.", True),
    ],
)
def test_bias_is_stated_where_a_risk_is_said(body: str, is_stated: bool) -> None:
    assert passes("bias_stated", body) == is_stated


@pytest.mark.parametrize(
    ("body", "is_stated"),
    [
        ("## Intended uses & limitations\n\nKnown limitation: it confuses herons with cranes.", False),
        (
            "## Intended uses & limitations\n\nIt is for clerks who sort letters. It does not work on poems.",
            True,
        ),
        ("It was made for clerks who sort letters.", True),
        ("Trained for 10 epochs.", False),
    ],
)
def test_a_limit_is_no_intended_use(body: str, is_stated: bool) -> None:
    assert passes("intended_use", body) == is_stated
