"""Whatever a judge's server sends: a valid answer is read, and all else is VerdictInvalid with a reason."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import VerdictInvalid
from tasks.judges.llm.answers import Mode, Reason, ScoreAnswer, read_explanation, read_score, usage_of
from tasks.rubric import load_rubric

RUBRIC = load_rubric()
ANSWERS = Path(__file__).parents[3] / "goldens" / "answers"
REASONS = {"cut_off", "thinks", "not_json", "not_the_schema", "off_scale", "no_probabilities"}
GOOD: dict[str, Any] = {check.id: int(n % 3 > 0) for n, check in enumerate(RUBRIC.checks)} | {"score": 4}
EVEN = {"1": -3.0, "2": -2.0, "3": -1.5, "4": -0.9, "5": -2.5}


def entry(token: str, logprobs: Any = None) -> dict[str, Any]:
    """One generated token as vLLM sends it."""
    listed = logprobs or {token: -0.1}
    top = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in listed.items()]
    return {"token": token, "logprob": -0.1, "bytes": list(token.encode()), "top_logprobs": top}


CHECKED = {"1": -0.5, "0": -1.5}  # a token of a check: log-odds of 1
VALUE = re.compile(r"(?<=:)(\d)(?=[,}])")


def tokens_of(text: str, logprobs: Any) -> list[dict[str, Any]]:
    """One token per value and one per piece between them; `logprobs` are those of the last value."""
    values = VALUE.findall(text)
    spreads = iter([*[CHECKED] * (len(values) - 1), logprobs])
    return [entry(piece, next(spreads) if n % 2 else None) for n, piece in enumerate(VALUE.split(text))]


def reply(answer: object = None, logprobs: Any = None, **choice: Any) -> dict[str, Any]:
    """A completion whose text is `answer`, with log-probabilities per token; `choice` replaces fields."""
    answer = GOOD if answer is None else answer
    text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
    tokens = [*tokens_of(text, logprobs or EVEN), entry("<|im_end|>")]
    whole = {"message": {"content": text}, "finish_reason": "stop", "logprobs": {"content": tokens}}
    return {"choices": [whole | choice], "usage": {"prompt_tokens": 2000, "completion_tokens": 100}}


def score_of(answer: ScoreAnswer, mode: Mode = "expected") -> float:
    return answer.score(mode, RUBRIC)


def deciding(sent: dict[str, Any]) -> dict[str, Any]:
    """The token of the score."""
    token: dict[str, Any] = sent["choices"][0]["logprobs"]["content"][-3]
    return token


def reason_of(sent: object, mode: Mode = "expected") -> str:
    with pytest.raises(VerdictInvalid) as refusal:
        read_score(sent, RUBRIC, mode)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400
    return refusal.value.reason


# --------------------------------------------------------------------------------------------------- the checks


def test_checks_are_read_by_their_keys_in_the_rubrics_order() -> None:
    answer = read_score(reply(dict(reversed(GOOD.items()))), RUBRIC, "decided")
    assert answer.passed == [check.id for check in RUBRIC.checks if GOOD[check.id]]
    assert answer.failed == [check.id for check in RUBRIC.checks if not GOOD[check.id]]
    assert sorted(answer.passed + answer.failed) == sorted(check.id for check in RUBRIC.checks)


def test_mode_decided_takes_the_written_score_and_needs_no_probabilities() -> None:
    answer = read_score(reply(logprobs=EVEN), RUBRIC, "decided")
    assert (answer.decided, score_of(answer, "decided")) == (4, 4.0)
    bare = read_score({"choices": [{"message": {"content": json.dumps(GOOD)}}]}, RUBRIC, "decided")
    assert score_of(bare, "decided") == 4.0
    assert (bare.probabilities, bare.log_odds, bare.soft_levels) == ({}, {}, {})


def test_blanks_between_the_tokens_do_not_matter() -> None:
    text = json.dumps(GOOD, indent=2)
    sent = reply(text)
    pieces = re.split(r"( \d)(?=[,\n])", text)
    spelt = {f" {digit}": logprob for digit, logprob in EVEN.items()}
    spreads = iter([{" 1": -0.5, " 0": -1.5}] * len(RUBRIC.checks) + [spelt])
    sent["choices"][0]["logprobs"]["content"] = [
        entry(piece, next(spreads) if n % 2 else None) for n, piece in enumerate(pieces)
    ]
    assert read_score(sent, RUBRIC, "expected") == read_score(reply(), RUBRIC, "expected")


@pytest.mark.parametrize("score", [-1, 0, 6, 4.5, 5.0, "2", None, True, 10**30, [3], {"score": 3}, "four"])
def test_a_score_off_the_scale_is_refused(score: object) -> None:
    assert reason_of(reply(GOOD | {"score": score}), "decided") == "off_scale"


NOT_DIGITS: tuple[object, ...] = (2, -1, 0.0, 1.0, "1", "", None, True, False, [1], {}, 10**30)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("I'm sorry, I cannot judge this card.", "not_json"),
        ("", "not_json"),
        ("The score is 5.", "not_json"),
        ("```json\n{}\n```", "not_json"),
        (json.dumps(GOOD)[:-4], "not_json"),
        (json.dumps(GOOD) + json.dumps(GOOD), "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"a":' * 100_000, "not_json"),
        ('{"score":' + "9" * 5000 + "}", "not_json"),
        ("4", "not_the_schema"),
        ("null", "not_the_schema"),
        ("[]", "not_the_schema"),
        ("{}", "not_the_schema"),
        ({"score": 4}, "not_the_schema"),
        (GOOD | {"comment": "excellent"}, "not_the_schema"),
        ({k: v for k, v in GOOD.items() if k != "license_given"}, "not_the_schema"),
        ({k: v for k, v in GOOD.items() if k != "score"}, "not_the_schema"),
        *((GOOD | {"names_origin": value}, "not_the_schema") for value in NOT_DIGITS),
        (json.dumps(GOOD)[:-1] + ',"score":5}', "not_the_schema"),
        (json.dumps(GOOD)[:-1] + ',"names_\\u006frigin":0}', "not_the_schema"),
        (json.dumps(GOOD).replace(": 4", ": NaN"), "not_the_schema"),
        (json.dumps(GOOD).replace(": 4", ": 1e999"), "off_scale"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_odd_answer_is_refused_for_what_it_is(answer: object, reason: str) -> None:
    assert reason_of(reply(answer), "decided") == reason


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (None, "not_the_schema"),
        ([], "not_the_schema"),
        ({"error": {"message": "engine dead"}}, "not_the_schema"),
        ({"choices": []}, "not_the_schema"),
        ({"choices": {"0": {}}}, "not_the_schema"),
        ({"choices": [None]}, "not_the_schema"),
        ({"choices": [{}]}, "not_json"),
        ({"choices": [{"message": {"content": None, "refusal": "I will not"}}]}, "not_json"),
        ({"choices": [{"message": {"content": [{"text": "{}"}]}}]}, "not_json"),
        ({"choices": [{"message": {"content": "{"}, "finish_reason": "length"}]}, "cut_off"),
        ({"choices": [{"message": None, "finish_reason": "length"}]}, "cut_off"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_odd_reply_is_refused_for_what_it_is(sent: object, reason: str) -> None:
    assert reason_of(sent) == reason


# -------------------------------------------------------------------------------------------- the probabilities


def test_the_expected_score_is_the_mean_over_the_score_tokens_probabilities() -> None:
    answer = read_score(reply(logprobs=EVEN), RUBRIC, "expected")
    mass = sum(math.exp(p) for p in EVEN.values())
    assert score_of(answer) == pytest.approx(sum(int(d) * math.exp(p) for d, p in EVEN.items()) / mass)
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert list(answer.probabilities) == ["1", "2", "3", "4", "5"]
    assert answer.decided == 4


logprobs = st.floats(-60, 0) | st.just(-9999.0)


@given(st.lists(logprobs, min_size=5, max_size=5), st.integers(1, 5))
def test_the_expected_score_equals_one_computed_in_another_way(values: list[float], decided: int) -> None:
    total = math.fsum(math.exp(value) for value in values)
    scaled = [value - math.log(max(total, 1.0)) if value > -9999 else value for value in values]
    sent = reply(GOOD | {"score": decided}, dict(zip("12345", scaled, strict=True)))
    if all(value == -9999 for value in values):
        assert reason_of(sent) == "no_probabilities"
        return
    answer = read_score(sent, RUBRIC, "expected")
    weights = [math.exp(value) for value in scaled]
    mean = math.fsum(level * w for level, w in enumerate(weights, 1)) / math.fsum(weights)
    assert score_of(answer) == pytest.approx(mean, abs=1e-9)
    assert 1 <= score_of(answer) <= 5
    assert answer.decided == decided


def test_only_the_token_that_decided_the_score_counts() -> None:
    """Digits elsewhere have probabilities too: the checks are digits."""
    sent = reply()
    sent["choices"][0]["logprobs"]["content"][1] = entry("0", {"0": -0.01, "5": -5.0})
    found, usual = read_score(sent, RUBRIC, "expected"), read_score(reply(), RUBRIC, "expected")
    assert found.probabilities == usual.probabilities
    assert found.log_odds != usual.log_odds


def test_two_spellings_of_a_digit_add_up_and_one_token_listed_twice_does_not() -> None:
    spelt = {
        "4": math.log(0.3),
        " 4": math.log(0.3),
        "5": math.log(0.2),
        "1": -9999.0,
        "2": -9999.0,
        "3": -9999.0,
    }
    answer = read_score(reply(logprobs=spelt), RUBRIC, "expected")
    assert answer.probabilities["4"] == pytest.approx(0.75)
    sent = reply(logprobs=spelt)
    top = deciding(sent)["top_logprobs"]
    top.append(copy.deepcopy(top[2]))
    assert read_score(sent, RUBRIC, "expected") == answer


def test_digits_far_below_other_tokens_still_compare() -> None:
    """Raw log-probabilities are from before the grammar: the model may have preferred another token."""
    far = {"The": -0.001, "1": -700.0, "2": -750.0, "3": -9999.0, "4": -700.0, "5": -800.0}
    assert score_of(read_score(reply(logprobs=far), RUBRIC, "expected")) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("listed", "is_read"),
    [
        ({"4": -0.01, "5": -5.0, "3": -7.0, "2": -12.0, "x": -14.0}, True),  # what 1 could add is nothing
        ({"4": -0.03, "5": -5.0, "x": -6.0}, False),  # 1, 2 and 3 could each have as much as x
        ({"4": -0.01}, False),
        ({"4": -0.01, "x": -9999.0}, True),  # the least that is listed is nothing at all
        ({"x": -0.01, "y": -4.0}, False),
    ],
)
def test_a_digit_may_be_missing_only_where_it_cannot_matter(listed: dict[str, float], is_read: bool) -> None:
    sent = reply(logprobs=listed)
    deciding(sent)["logprob"] = listed.get("4", -9999.0)
    if is_read:
        assert score_of(read_score(sent, RUBRIC, "expected")) == pytest.approx(4, abs=0.02)
    else:
        assert reason_of(sent) == "no_probabilities"


def spoilt(spoil: Callable[[list[Any]], object]) -> dict[str, Any]:
    sent = reply()
    spoil(sent["choices"][0]["logprobs"]["content"])
    return sent


@pytest.mark.parametrize(
    "sent",
    [
        reply(logprobs={"4": math.nan}),
        reply(logprobs=EVEN | {"1": math.inf}),
        reply(logprobs=EVEN | {"1": -math.inf}),
        reply(logprobs=EVEN | {"1": 0.5}),
        reply(logprobs=EVEN | {"1": -1e9}),
        reply(logprobs=EVEN | {"1": True}),
        reply(logprobs=EVEN | {"1": 10**400}),
        reply(logprobs=EVEN | {"1": "-1"}),
        reply(logprobs=dict.fromkeys("12345", -0.1)),
        reply(logprobs=dict.fromkeys("12345", -9999.0)),
        reply() | {"choices": [reply()["choices"][0] | {"logprobs": None}]},
        reply() | {"choices": [reply()["choices"][0] | {"logprobs": {"content": []}}]},
        reply() | {"choices": [reply()["choices"][0] | {"logprobs": {"content": [None] * 9}}]},
        spoilt(lambda content: content.pop(0)),
        spoilt(lambda content: content.pop(1)),
        spoilt(lambda content: content.extend(copy.deepcopy(content))),
        spoilt(lambda content: content[-3].update(top_logprobs=[])),
        spoilt(lambda content: content[-3].update(top_logprobs=None)),
        spoilt(lambda content: content[-3].update(bytes=[53])),
        spoilt(lambda content: content[-3].update(bytes=[300])),
        spoilt(lambda content: content[-3].update(bytes=[True])),
        spoilt(lambda content: content[-3].update(bytes=None, token=4)),
        spoilt(lambda content: content.insert(0, entry(json.dumps(GOOD, separators=(",", ":"))))),
    ],
)
def test_without_sound_probabilities_there_is_no_expected_score(sent: object) -> None:
    assert reason_of(sent) == "no_probabilities"
    assert score_of(read_score(sent, RUBRIC, "decided"), "decided") == 4.0


def test_a_digit_that_shares_its_token_has_the_probabilities_of_like_tokens() -> None:
    sent = reply()
    content = sent["choices"][0]["logprobs"]["content"]
    content[-3:] = [entry("4}", {f"{digit}}}": logprob for digit, logprob in EVEN.items()})]
    assert read_score(sent, RUBRIC, "expected") == read_score(reply(), RUBRIC, "expected")


def test_tokens_are_joined_by_their_bytes_or_by_their_names() -> None:
    sent = reply()
    for token in sent["choices"][0]["logprobs"]["content"]:
        token["bytes"] = None
        for other in token["top_logprobs"]:
            del other["bytes"]
    assert read_score(sent, RUBRIC, "expected") == read_score(reply(), RUBRIC, "expected")


# ------------------------------------------------------------------------------------- the odds of the checks


def test_every_check_has_the_log_odds_of_its_own_token() -> None:
    sent = reply()
    content = sent["choices"][0]["logprobs"]["content"]
    odds = {check.id: n / 4 - 5 for n, check in enumerate(RUBRIC.checks)}
    for n, value in enumerate(odds.values()):
        listed = {"0": -math.log1p(math.exp(value)), "1": -math.log1p(math.exp(-value))}
        content[2 * n + 1] = entry(content[2 * n + 1]["token"], listed)
    answer = read_score(sent, RUBRIC, "soft")
    assert answer.log_odds == pytest.approx(odds)
    assert list(answer.log_odds) == [check.id for check in RUBRIC.checks]


def certain(passes: bool) -> dict[str, float]:
    return {"1": 0.0, "0": -9999.0} if passes else {"0": 0.0, "1": -9999.0}


def test_of_a_certain_judge_soft_levels_and_score_are_those_of_its_answers() -> None:
    sent = reply()
    content = sent["choices"][0]["logprobs"]["content"]
    for n, check in enumerate(RUBRIC.checks):
        content[2 * n + 1] = entry(str(GOOD[check.id]), certain(GOOD[check.id] == 1))
    answer = read_score(sent, RUBRIC, "soft")
    levels = RUBRIC.levels(answer.passed)
    assert answer.soft_levels == pytest.approx(levels, abs=1e-6)
    assert score_of(answer, "soft") == pytest.approx(RUBRIC.score(levels), abs=1e-6)


def test_of_an_undecided_judge_every_soft_level_is_the_middle() -> None:
    sent = reply()
    for n in range(len(RUBRIC.checks)):
        token = sent["choices"][0]["logprobs"]["content"][2 * n + 1]
        token.update(entry(token["token"], {"0": math.log(0.5), "1": math.log(0.5)}))
    answer = read_score(sent, RUBRIC, "soft")
    assert set(answer.soft_levels.values()) == {3.0}
    assert score_of(answer, "soft") == 3.0


@pytest.mark.parametrize(("mode", "is_refused"), [("soft", True), ("expected", False), ("decided", False)])
def test_one_check_without_probabilities_leaves_none_and_refuses_a_soft_score(
    mode: Mode, is_refused: bool
) -> None:
    sent = reply()
    sent["choices"][0]["logprobs"]["content"][1]["top_logprobs"] = None
    if is_refused:
        assert reason_of(sent, mode) == "no_probabilities"
    else:
        answer = read_score(sent, RUBRIC, mode)
        assert (answer.log_odds, answer.soft_levels) == ({}, {})


def test_a_score_without_probabilities_leaves_a_soft_score_alone() -> None:
    answer = read_score(reply(logprobs={"4": -3.0, "x": -0.1}), RUBRIC, "soft")
    assert answer.probabilities == {}
    assert len(answer.soft_levels) == len(RUBRIC.criteria)


def test_a_key_in_escaped_letters_has_no_odds() -> None:
    text = json.dumps(GOOD, separators=(",", ":")).replace("has_snippet", "has\\u005fsnippet")
    answer = read_score(reply(text), RUBRIC, "expected")
    assert "has_snippet" in {*answer.passed, *answer.failed}
    assert reason_of(reply(text), "soft") == "no_probabilities"


# ----------------------------------------------------------------------------------------------- the explanation

ENTRY: dict[str, Any] = {"level": 3, "quote": "It sorts letters.", "improvement": "Say how."}


def explained(**changed: Any) -> dict[str, Any]:
    """Every criterion alike, but for the first, whose parts can be given."""
    answer = {f"{c.id}_{part}": value for c in RUBRIC.criteria for part, value in ENTRY.items()}
    return (
        answer | {f"{RUBRIC.criteria[0].id}_{part}": value for part, value in changed.items()} | {"score": 3}
    )


def test_an_explanation_has_a_reason_for_every_criterion() -> None:
    reasons = read_explanation(reply(explained()), RUBRIC)
    assert [reason.criterion for reason in reasons] == [criterion.id for criterion in RUBRIC.criteria]
    assert reasons[0] == Reason("purpose", 3, "It sorts letters.", "Say how.")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"quote": "  \n "}, Reason("purpose", 3, None, "Say how.")),
        ({"quote": " a\x00b\x1bc "}, Reason("purpose", 3, "a b c", "Say how.")),
        ({"quote": "a \ud800 b"}, Reason("purpose", 3, "a \ufffd b", "Say how.")),
        ({"quote": "x" * 242}, Reason("purpose", 3, "x" * 240, "Say how.")),
        ({"level": 5, "improvement": " "}, Reason("purpose", 5, "It sorts letters.", "")),
    ],
    ids=str,
)
def test_prose_is_made_fit_for_a_table(changed: dict[str, Any], expected: Reason) -> None:
    assert read_explanation(reply(explained(**changed)), RUBRIC)[0] == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"level": 0}, "off_scale"),
        ({"level": "3"}, "off_scale"),
        ({"level": True}, "off_scale"),
        ({"improvement": ""}, "not_the_schema"),
        ({"improvement": None}, "not_the_schema"),
        ({"quote": None}, "not_the_schema"),
        ({"quote": ["x"]}, "not_the_schema"),
        ({"quote": "x" * 481}, "not_the_schema"),
        ({"extra": 1}, "not_the_schema"),
    ],
    ids=str,
)
def test_an_invalid_explanation_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(VerdictInvalid) as refusal:
        read_explanation(reply(explained(**changed)), RUBRIC)
    assert refusal.value.reason == reason


# ------------------------------------------------------------------------------------------------ real answers


def golden(name: str) -> object:
    return json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))


def test_the_tokens_of_a_real_reply_are_counted() -> None:
    assert usage_of(golden("score_five_ids")) == (6310, 121)


def test_real_explanations_with_control_characters_or_a_little_too_long_are_read() -> None:
    for name in ("explain_control_characters", "explain_two_characters_over"):
        for reason in read_explanation(golden(name), RUBRIC):
            assert len(reason.quote or "") <= 240
            assert len(reason.improvement) <= 240
            assert not any(ord(character) < 32 for character in f"{reason.quote}{reason.improvement}")


def test_a_real_explanation_without_an_improvement_is_refused() -> None:
    with pytest.raises(VerdictInvalid, match="training_and_data is at level"):
        read_explanation(golden("explain_without_an_improvement"), RUBRIC)


# ----------------------------------------------------------------------------------------------------- anything

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)
KEYS = st.sampled_from(["choices", "message", "content", "logprobs", "finish_reason", "usage", "score"])
shaped = st.recursive(
    scalars | st.just(json.dumps(GOOD)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


def read_all(sent: object) -> None:
    """An answer or VerdictInvalid from every reader, in every mode."""
    modes: tuple[Mode, ...] = ("expected", "decided", "soft")
    for mode in modes:
        try:
            answer = read_score(sent, RUBRIC, mode)
        except VerdictInvalid as refusal:
            assert refusal.reason in REASONS
            refusal.detail.encode()
        else:
            assert isinstance(answer, ScoreAnswer)
            assert 1 - 1e-9 <= score_of(answer, mode) <= 5 + 1e-9
            assert answer.probabilities or mode != "expected"
            assert answer.soft_levels or mode != "soft"
            assert len(answer.log_odds) in (0, len(RUBRIC.checks))
    try:
        assert len(read_explanation(sent, RUBRIC)) == len(RUBRIC.criteria)
    except VerdictInvalid as refusal:
        assert refusal.reason in REASONS
    assert min(usage_of(sent)) >= 0


@given(anything | shaped)
def test_any_json_is_an_answer_or_a_verdict_invalid(sent: object) -> None:
    read_all(sent)
    read_all({"choices": [{"message": {"content": sent}, "logprobs": sent}], "usage": sent})
    read_all({"choices": [reply()["choices"][0] | {"logprobs": sent}]})


@given(st.text(max_size=80) | anything.map(json.dumps))
def test_any_text_is_an_answer_or_a_verdict_invalid(text: str) -> None:
    read_all(reply(text))


def places(value: object) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside a JSON value."""
    pairs: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        pairs += [(value, key), *places(inner)]
    return pairs


@given(st.data())
def test_a_valid_reply_with_anything_in_it_replaced_is_still_one_or_the_other(data: st.DataObject) -> None:
    sent = reply(data.draw(st.sampled_from([GOOD, explained()])))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(sent)))
        container[key] = data.draw(scalars | anything | logprobs)
    read_all(sent)


@given(st.dictionaries(st.sampled_from(list(GOOD)), scalars, max_size=2))
def test_a_valid_answer_with_values_replaced_is_still_one_or_the_other(changed: dict[str, object]) -> None:
    read_all(reply(GOOD | changed))


@given(st.binary(max_size=60))
def test_bytes_that_parse_as_json_are_read_or_refused(body: bytes) -> None:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return
    read_all(sent)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (reply(), (2000, 100)),
        ({"usage": {"prompt_tokens": 7}}, (7, 0)),
        ({"usage": {"prompt_tokens": -7, "completion_tokens": True}}, (0, 0)),
        ({"usage": {"prompt_tokens": 10**30, "completion_tokens": 1.5}}, (0, 0)),
        ({"usage": None}, (0, 0)),
        ([], (0, 0)),
    ],
    ids=str,
)
def test_usage_is_counted_where_it_is_reported(sent: object, expected: tuple[int, int]) -> None:
    assert usage_of(sent) == expected
