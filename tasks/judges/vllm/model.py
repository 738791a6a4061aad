"""The judge model's files on this machine: which revision it is, its context, and whether it fits as float32."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError

from tasks.settings import Settings

_WHOLE_FILE_BYTES = 64_000_000
_END_BYTES = 8_000_000

# The names that configurations have for the longest text; where several stand, the shortest holds, as in vLLM.
_CONTEXT_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
# Ways to stretch positions whose result already stands in the configuration; others multiply it by their factor.
_STRETCHED_ALREADY = frozenset(
    {"su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling", "default"}
)
_FLOAT32_SHARE = (
    0.5  # of the machine's memory, that weights may take; the rest is for cache, engine and all else
)
_HALF_TYPES = frozenset({"bfloat16", "float16"})

Config = Mapping[str, object]


def revision_of(model: str, limits: Settings) -> str | None:
    """The revision of the model on this machine; null where it is unknown.

    From the settings, a digest of the folder's files, or the commit in the local cache of the Hub.
    """
    if limits.judge_revision:
        return limits.judge_revision
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return folder_digest(folder)
    path = _cached(model, None)
    return path.parent.name if path else None


def folder_digest(folder: Path) -> str:
    """16 hex digits over names, sizes and contents of a folder's files; of files over 64 MB only both ends are read."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0{_content_digest(path)}\n".encode())
    return digest.hexdigest()[:16]


def _content_digest(path: Path) -> str:
    with path.open("rb") as file:
        size = path.stat().st_size
        if size <= _WHOLE_FILE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        ends = hashlib.sha256(file.read(_END_BYTES))
        file.seek(size - _END_BYTES)
        ends.update(file.read(_END_BYTES))
        return ends.hexdigest()


def _cached(model: str, revision: str | None) -> Path | None:
    """Its config.json in the local cache of the Hub."""
    try:
        config = try_to_load_from_cache(model, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(config) if isinstance(config, str) else None


def config_of(model: str, limits: Settings) -> tuple[Path, Config] | None:
    """Its folder and config.json; null where this machine does not have it, or where it cannot be read.

    vLLM says what is wrong with one that cannot be read.
    """
    folder = Path(model).expanduser()
    path = folder / "config.json" if model and folder.is_dir() else _cached(model, limits.judge_revision)
    try:
        config = json.loads(path.read_bytes()) if path else None
    except (OSError, ValueError):
        return None
    return (path.parent, config) if path and isinstance(config, dict) else None


def context_of(config: Config) -> int | None:
    """The longest text, in tokens, that a model was made for; null where its configuration does not say."""
    text = config.get("text_config")  # of a model that also sees or hears
    text = text if isinstance(text, dict) else config
    most = _number(text.get("model_max_length")) or min(
        filter(None, (_number(text.get(key)) for key in _CONTEXT_KEYS)), default=None
    )
    if most is None or "gemma3" in str(config.get("model_type")):
        return most
    return int(most * max(map(_stretch, _positions(text)), default=1.0))


def _positions(config: Config) -> Iterator[Config]:
    """How positions are encoded: for all layers, or by kind of layer."""
    for key in ("rope_scaling", "rope_parameters"):
        if isinstance(found := config.get(key), dict):
            yield found
            yield from (inner for inner in found.values() if isinstance(inner, dict))


def _stretch(position: Config) -> float:
    kind, factor = position.get("rope_type", position.get("type")), position.get("factor")
    if kind is None or kind in _STRETCHED_ALREADY or not isinstance(factor, int | float):
        return 1.0
    return max(1.0, float(factor))


def _number(value: object) -> int | None:
    """A count of tokens; null for what is none, such as the 10^30 that stands for "no limit"."""
    return value if isinstance(value, int) and 1 < value < 10**9 else None


def fits_as_float32(folder: Path, config: Config) -> bool:
    """Whether the weights take no more than half of this machine's memory with four bytes each."""
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    kind = config.get("dtype", config.get("torch_dtype"))
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return stored * (2 if kind in _HALF_TYPES else 1) <= _FLOAT32_SHARE * total
