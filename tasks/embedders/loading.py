"""Which embedder a name means: the packaged one by default, else a sentence-transformers model."""

from __future__ import annotations

from functools import lru_cache

from tasks.embedders import DEFAULT_EMBEDDER, is_installed
from tasks.embedders.embedder import Embedder, EmbedderIdentity, PassageModel
from tasks.embedders.packaged import PackagedModel, identify_packaged
from tasks.embedders.sentence import SentenceModel, fastest_precision, identify_sentence
from tasks.errors import EmbedderUnavailable


@lru_cache(maxsize=8)
def identify(name: str) -> EmbedderIdentity:
    """Identify an embedder by its name. Raises `EmbedderUnavailable` where libraries or files are missing."""
    if not is_installed():
        raise EmbedderUnavailable(
            f"{name}: the libraries of the map are not installed; install them with: pip install 'cardiograph[atlas]'"
        )
    return identify_packaged() if name == DEFAULT_EMBEDDER else identify_sentence(name)


def load_embedder(name: str) -> Embedder:
    """The embedder of that name, loaded once per process."""
    return _load(identify(name))


@lru_cache(maxsize=1)
def _load(identity: EmbedderIdentity) -> Embedder:
    return Embedder(identity, _model(identity))


def _model(identity: EmbedderIdentity) -> PassageModel:
    if identity.name == DEFAULT_EMBEDDER:
        return PackagedModel(identity.folder)
    return SentenceModel(identity.folder, fastest_precision())
