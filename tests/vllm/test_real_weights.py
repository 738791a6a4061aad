"""The judge with real weights, SmolLM2-135M-Instruct: a model that runs, reads and writes, and does not judge.

What random weights cannot show is tested here: the tokenizer and chat template of a released model, probabilities that
agree with another engine's, sentences in explanations, and that a model which cannot judge is not published.
"""

from __future__ import annotations

import json
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tasks.demo import write_demo_corpus
from tasks.judges import opened_judge
from tasks.passport import passport, probes
from tasks.passport.attacks import attacks
from tasks.passport.labels import read_labels
from tasks.records import CardText, JudgeSpec
from tasks.rubric import load_rubric
from tasks.settings import Settings
from tests.vllm.running import asked, recorded, snapshot

# Two cores that do nothing else need a tenth of it.
PATIENCE_S = 2400
pytestmark = [pytest.mark.vllm, pytest.mark.timeout(PATIENCE_S)]

WEEK = date(2026, 11, 16)
CHECKS = len(load_rubric().checks)
HERE = Path(__file__).parent
# Two cores read a few hundred tokens per second, and write a token of sixteen answers hardly slower than of one: cards
# are cut, and asked together. Parts are small, so that a run has several.
SMALL = {
    "CARDIOGRAPH_JUDGE_CARD_TOKENS": "300",
    "CARDIOGRAPH_JUDGE_CONCURRENCY": "16",
    "CARDIOGRAPH_JUDGE_PART_CARDS": "4",
}
BARE = ("--embedder", "none")
ASKED = {"CARDIOGRAPH_JUDGE_CANARIES": "stop", "CARDIOGRAPH_GATE_JUDGING_LEAST": "10"}  # the defaults


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "small.parquet"
    write_demo_corpus(path, models=20, weeks=1, seed=5, end=WEEK)
    return path


@pytest.fixture(scope="module")
def cards(corpus: Path) -> list[CardText]:
    """Short ones, shortest first."""
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique().to_list()
    short = sorted((text for text in texts if text.strip()), key=len)
    return [CardText(f"{number:064x}", text) for number, text in enumerate(short[:6])]


@pytest.fixture(autouse=True)
def short_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges that are opened in this process read as little as those of the command."""
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)


def transformers(limits: Settings, model: Path, request: dict[str, Any]) -> Any:
    """The answer of the reference, which has nothing of vLLM."""
    child = subprocess.run(
        [limits.judge_python, HERE / "reference.py", model],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(child.stdout)


def served_as(url: str) -> str:
    return str(asked(f"{url}/v1/models")["data"][0]["id"])


def pieces(url: str, **text: object) -> list[str]:
    """Its tokens, as the server's tokenizer writes them."""
    request = {"model": served_as(url), "return_token_strs": True, **text}
    return list(asked(f"{url}/tokenize", request)["token_strs"])


# --------------------------------------------------------------------------------------- the model itself


def test_the_converted_weights_know_the_capital_of_france(real_url: str) -> None:
    request = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
    reply = asked(
        f"{real_url}/v1/chat/completions",
        {"model": served_as(real_url), "temperature": 0, "max_tokens": 30, **request},
    )
    assert reply["choices"][0]["message"]["content"] == "The capital of France is Paris."
    assert reply["choices"][0]["finish_reason"] == "stop"  # it ends its turn where its chat template ends it


def test_the_engine_continues_a_text_as_transformers_does(
    real_url: str, real_model: Path, limits: Settings
) -> None:
    prompt = "The capital of France is"
    request = {"model": served_as(real_url), "prompt": prompt, "temperature": 0, "max_tokens": 12}
    ours = asked(f"{real_url}/v1/completions", request)["choices"][0]["text"]
    assert ours == transformers(limits, real_model, {"prompt": prompt, "tokens": 12})
    assert ours.startswith(" Paris.")


def test_digits_are_tokens_of_their_own(real_url: str) -> None:
    found = pieces(real_url, prompt='{"score":4}, 2048 cards,   17 of 101', add_special_tokens=False)
    assert [piece for piece in found if any(map(str.isdigit, piece))] == list("4204817101")


def test_the_chat_template_marks_turns_with_single_tokens(real_url: str) -> None:
    messages = [{"role": "system", "content": "A"}, {"role": "user", "content": "B"}]
    found = pieces(real_url, messages=messages, add_generation_prompt=True)
    marks = [piece for piece in found if piece.startswith("<|")]
    assert marks == ["<|im_start|>", "<|im_end|>"] * 2 + ["<|im_start|>"]
    assert "".join(found).replace("Ċ", "\n").endswith("<|im_start|>assistant\n")


# --------------------------------------------------------------------------------------- its probabilities


@pytest.fixture(scope="module")
def echoed(real_url: str, cards: list[CardText]) -> dict[str, Any]:
    """The reply to a request of the judge, with the tokens of both."""
    with (
        opened_judge(JudgeSpec("vllm", urls=(real_url,))) as judge,
        recorded(judge, return_token_ids=True) as replies,
    ):
        list(judge.score(cards[:1]))
    reply = next(reply for reply in replies if "choices" in reply)
    ids = asked(f"{real_url}/tokenize", {"model": served_as(real_url), "prompt": "012345"})["tokens"]
    return {
        "reply": reply,
        "prompt": reply["prompt_token_ids"],
        "made": reply["choices"][0]["token_ids"],
        "ids": dict(zip("012345", ids, strict=True)),
    }


def listed(entry: dict[str, Any]) -> dict[str, float]:
    """Log-probabilities of the tokens that might have stood in a place of the answer."""
    return {found["token"]: found["logprob"] for found in entry["top_logprobs"]}


def places_of(echoed: dict[str, Any], digits: str) -> list[int]:
    """Where the answer has one of the digits."""
    entries = echoed["reply"]["choices"][0]["logprobs"]["content"]
    return [at for at, entry in enumerate(entries) if entry["token"] in set(digits)]


def test_the_probabilities_of_an_answer_are_those_of_reading_it(
    real_url: str, echoed: dict[str, Any]
) -> None:
    """An echo: the same tokens, read as a prompt, put the digits as far apart as when they were written.

    Only as far apart: what is written is held to the schema, and its digits share all probability.
    """
    entries = echoed["reply"]["choices"][0]["logprobs"]["content"]
    ids = [*echoed["prompt"], *echoed["made"]]
    request = {"model": served_as(real_url), "prompt": ids, "echo": True, "logprobs": 20, "max_tokens": 1}
    echo = asked(f"{real_url}/v1/completions", request)["choices"][0]["logprobs"]["top_logprobs"]
    read = echo[len(echoed["prompt"]) :]
    # Of what is read, the engine lists the twenty most probable tokens, and not everywhere are both digits among them.
    # The score's own digit comes after those of the checks; it may be a 1, but never a 0.
    both = [at for at in places_of(echoed, "01")[:CHECKS] if {"0", "1"} <= read[at].keys()]
    assert both
    written = [listed(entries[at])["1"] - listed(entries[at])["0"] for at in both]
    assert [read[at]["1"] - read[at]["0"] for at in both] == pytest.approx(written, abs=5e-3)


@pytest.mark.parametrize(("digits", "count"), [("01", CHECKS), ("12345", 1)])
def test_the_probabilities_of_checks_and_score_are_those_of_transformers(
    echoed: dict[str, Any], real_model: Path, limits: Settings, digits: str, count: int
) -> None:
    entries = echoed["reply"]["choices"][0]["logprobs"]["content"]
    places = places_of(echoed, digits)[-count:] if count == 1 else places_of(echoed, digits)[:count]
    assert len(places) == count
    request = {
        "ids": [*echoed["prompt"], *echoed["made"]],
        "of": [echoed["ids"][digit] for digit in digits],
        "at": [len(echoed["prompt"]) + place for place in places],
    }
    for place, independent in zip(places, transformers(limits, real_model, request), strict=True):
        ours = [listed(entries[place])[digit] - listed(entries[place])[digits[0]] for digit in digits]
        assert ours == pytest.approx([value - independent[0] for value in independent], abs=5e-3)


# --------------------------------------------------------------------------------------- what it is as a judge


def test_a_run_stops_at_the_canaries_before_it_judges(real_url: str, corpus: Path, tmp_path: Path) -> None:
    run = snapshot(tmp_path, corpus, *BARE, "--judge-url", real_url, **SMALL, **ASKED)
    _, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1
    assert "failed the canaries" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "lake").glob("verdicts/**/*.parquet"))
    assert not (tmp_path / "report.html").exists()


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory, corpus: Path, real_url: str) -> dict[str, Any]:
    """A home whose run was killed after its first parts, and what the run that resumed it printed."""
    home = tmp_path_factory.mktemp("home")
    options = (*BARE, "--judge-url", real_url, "--explain", "0")
    environment = {**SMALL, **ASKED, "CARDIOGRAPH_JUDGE_CANARIES": "off"}
    first = snapshot(home, corpus, *options, **environment)
    while first.poll() is None and not parts_of(home):
        time.sleep(0.05)
    first.kill()
    first.communicate(timeout=60)
    kept = {part: part.read_bytes() for part in parts_of(home)}
    second = snapshot(home, corpus, *options, **environment)
    _, err = second.communicate(timeout=PATIENCE_S)
    return {"home": home, "kept": kept, "code": second.returncode, "err": err}


def parts_of(home: Path) -> list[Path]:
    return list((home / "lake" / "verdicts").rglob("*.parquet"))


@pytest.mark.long
def test_a_killed_run_keeps_its_parts_and_judges_the_rest_once(resumed: dict[str, Any], corpus: Path) -> None:
    home, kept = resumed["home"], resumed["kept"]
    assert kept, "it was killed before its first part"
    assert all(part.read_bytes() == content for part, content in kept.items())
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique()
    judged = pl.concat([pl.read_parquet(part) for part in parts_of(home)])
    assert sorted(judged["card_hash"]) == sorted(judged["card_hash"].unique())
    assert len(judged) >= sum(bool(text.strip()) for text in texts)
    assert len(kept) < len(parts_of(home))


@pytest.mark.long
def test_the_gate_finds_that_it_does_not_read(resumed: dict[str, Any]) -> None:
    assert resumed["code"] == 1
    assert "quarantine" in resumed["err"]
    assert "Traceback" not in resumed["err"]
    assert not (resumed["home"] / "report.html").exists()


@pytest.mark.slow  # each of two answers is thousands of tokens long
def test_its_explanations_are_its_own_words_or_refused_with_a_reason(
    real_url: str, cards: list[CardText]
) -> None:
    with opened_judge(JudgeSpec("vllm", urls=(real_url,), explains=True)) as judge:
        explanations = list(judge.explain(cards[:1]))
    given = [found.improvement for found in explanations if found.reason is None]
    said = ["".join(filter(str.isalnum, text)).casefold() for text in given if text]
    assert len(set(said)) == len(said)
    assert given or all(found.reason for found in explanations)


@pytest.mark.long
def test_its_passport_says_that_it_is_consistent_and_knows_nothing(
    real_url: str, cards: list[CardText], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that rise with nothing the model sees; two attacks stand for the suite, which takes an hour here."""
    few = attacks()[:: len(attacks()) // 2][:2]
    monkeypatch.setattr(probes, "attacks", lambda: few)
    labels = tmp_path / "labels.csv"
    rows = [{"card_text": card.card_text, "score": at % 5 + 1} for at, card in enumerate(cards[:3])]
    pl.DataFrame(rows).write_csv(labels)
    with opened_judge(JudgeSpec("vllm", urls=(real_url,))) as judge:
        labelled = read_labels(labels, tmp_path)
        entries = passport.examine(judge, labelled, repeats=1, attacked_texts=1)
    found = {(entry.probe, entry.measure): entry for entry in entries if entry.subject == "score"}
    assert found["agreement", "share_refused"].estimate == 0
    assert found["consistency", "largest_difference"].estimate == pytest.approx(0, abs=2e-3)
    assert found["attack", "mean_rise"].n == len(few)
    assert found["padding", "mean_rise"].n == len(rows)
