"""The default embedder: which exact model it is, and that it needs no torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tasks.embedders import is_installed
from tasks.embedders.loading import identify, load_embedder
from tasks.embedders.passages import Vectors
from tasks.errors import EmbedderUnavailable
from tasks.records import DEFAULT_EMBEDDER, CardText

needs_atlas = pytest.mark.skipif(not is_installed(), reason="cardiograph[atlas] is not installed")

# Another release of the package, or another vocabulary, is another embedder: all texts are embedded anew.
WEIGHTS = "e396acd106adc19515332db47d4de226d75278d9c3757dbee3c1971497ffa343"


@needs_atlas
def test_the_packaged_model_is_the_one_that_the_figures_are_of() -> None:
    assert identify(DEFAULT_EMBEDDER).weights == WEIGHTS


@needs_atlas
def test_embedding_by_default_imports_no_torch_and_asks_no_hub() -> None:
    script = f"""
import sys
from tasks.embedders.loading import load_embedder
from tasks.records import CardText
cards = [CardText("h", "# A\\n\\n" + "Words. " * 60)]
((row,),) = load_embedder({DEFAULT_EMBEDDER!r}).embed(cards)
assert len(row.body) == 384
loaded = {{"torch", "transformers", "sentence_transformers", "huggingface_hub"}} & sys.modules.keys()
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_atlas
def test_a_text_without_a_known_letter_has_a_vector_all_the_same() -> None:
    found: Vectors = load_embedder(DEFAULT_EMBEDDER).model.vectors(["", "\u200b\ufffd\x00", "🦜" * 400])
    assert np.isfinite(found).all()
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)


@needs_atlas
def test_a_hostile_card_has_a_vector_or_none_and_never_an_error() -> None:
    texts = [
        "---\n" * 200,
        "\x00" * 400,
        "# " * 500,
        "[MASK] [CLS] [SEP] " * 50,
        "\u202e" * 300,
        "a" * 100_000,
    ]
    rows = [
        row
        for rows in load_embedder(DEFAULT_EMBEDDER).embed([CardText(str(n), t) for n, t in enumerate(texts)])
        for row in rows
    ]
    assert len(rows) == len(texts)
    assert all(np.isfinite(row.body).all() for row in rows)


def test_without_the_extra_a_named_embedder_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tasks.embedders.loading.is_installed", lambda: False)
    with pytest.raises(EmbedderUnavailable, match=r"ada/no-such.*cardiograph\[atlas\]"):
        identify("ada/no-such")
