"""What turns a card text into a vector: what of it is read, how that is cut up, and the model that is asked."""

from __future__ import annotations

import importlib.util

from tasks.records import DEFAULT_EMBEDDER as DEFAULT_EMBEDDER

LIBRARIES = ("sentence_transformers", "umap", "sklearn")


def is_installed() -> bool:
    """Whether the libraries are there that embedding and the map need; they are an extra."""
    return all(importlib.util.find_spec(name) for name in LIBRARIES)
