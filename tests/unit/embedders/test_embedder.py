"""Cards to vectors, by each embedder that is installed here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tasks.embedders.embedder import Embedder, unit_length
from tasks.embedders.loading import identify
from tasks.embedders.passages import Vectors
from tasks.records import DEFAULT_EMBEDDER, CardText, Embedding

SPEECH = (
    "# Listen\n\nA model for speech recognition. It writes down what is said in a recording. "
    + "Audio. " * 30
)
VOICE = (
    "# Hear\n\nIt transcribes spoken audio, such as interviews and lectures, into text. " + "Speech. " * 30
)
GAME = "# Agent\n\nA reinforcement learning agent that plays a game of carts and poles. " + "Reward. " * 30


def assert_alike(vectors: object, others: object, tolerance: float) -> None:
    """Lengths are 1 up to float32 rounding; pairs are alike up to the tolerance."""
    one, other = np.atleast_2d(np.array(vectors), np.array(others))
    assert np.linalg.norm(np.vstack([one, other]), axis=1) == pytest.approx(1, abs=1e-6)
    assert (one * other).sum(axis=1) == pytest.approx(1, abs=tolerance)


def cards(*texts: str) -> list[CardText]:
    return [CardText(f"h{place}", text) for place, text in enumerate(texts)]


def embedded(embedder: Embedder, *texts: str) -> list[Embedding]:
    return [row for rows in embedder.embed(cards(*texts)) for row in rows]


def test_cards_on_the_same_subject_are_nearer_to_each_other_than_to_others(embedder: Embedder) -> None:
    speech, voice, game = (np.array(row.body) for row in embedded(embedder, SPEECH, VOICE, GAME))
    assert speech @ voice > speech @ game + 0.2


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


def test_a_vector_does_not_depend_on_the_cards_beside_it(embedder: Embedder, tolerance: float) -> None:
    (alone,) = embedded(embedder, GAME)
    *_, among = embedded(embedder, SPEECH, VOICE, GAME)
    assert_alike(alone.body, among.body, tolerance)


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

    monkeypatch.setattr(embedder.model, "vectors", counted)
    many = [f"{SPEECH}\n\n# Of its own\n\nNumber {'x' * n}. {'More of it. ' * 60}" for n in range(150)]
    assert len(embedded(embedder, *many)) == 150
    assert len(requested) == len(set(requested)) == 150 + 1


def test_a_card_with_too_little_text_has_no_vector(embedder: Embedder) -> None:
    (row,) = embedded(embedder, "# Model\n\nNothing.")
    assert (row.body, row.metadata, row.passages) == ([], [], 0)


def test_front_matter_has_a_vector_of_its_own_that_says_what_the_model_is(
    embedder: Embedder, tolerance: float
) -> None:
    labels = "---\npipeline_tag: automatic-speech-recognition\nlanguage: fr\nlicense: mit\n---\n"
    with_front_matter, without = embedded(embedder, labels + SPEECH, SPEECH)
    assert_alike(with_front_matter.body, without.body, tolerance)
    words = embedder.model.vectors(["task automatic-speech-recognition; language fr"])
    assert_alike(with_front_matter.metadata, words, tolerance)
    assert without.metadata == []


def test_other_settings_are_another_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identify(DEFAULT_EMBEDDER).fingerprint
    identify.cache_clear()
    monkeypatch.setenv("CARDIOGRAPH_EMBED_PASSAGES_MAX", "9")
    assert identify(DEFAULT_EMBEDDER).fingerprint != before
    identify.cache_clear()


def test_vectors_are_in_the_order_of_the_passages_and_texts_over_the_window_are_cut(
    embedder: Embedder, tolerance: float
) -> None:
    words = "a sentence about many things that go on for a while"
    passages = [" ".join([words] * 40), "short", words, " ".join([words] * 30)]
    found = embedder.model.vectors(passages)
    assert_alike(found, np.vstack([embedder.model.vectors([passage]) for passage in passages]), tolerance)
    assert_alike(found[0], found[3], tolerance)
    assert found[1] @ found[2] < 0.9


def test_tokens_are_counted_without_the_marks_at_both_ends(embedder: Embedder) -> None:
    assert embedder.model.count_tokens(["", "one", "one two, three"]) == [0, 1, 4]
