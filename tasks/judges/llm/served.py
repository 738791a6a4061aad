"""What a judge server serves, in its own words. Every function accepts any answer of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.errors import JudgeRefused
from tasks.judges.llm.metrics import kv_tokens

_NAME_CHARACTERS_MAX = 500
_CONTEXT_MAX = 2**31


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves. `kv_tokens`: tokens that its cache holds; null where it does not report them."""

    model: str
    root: str
    engine: str
    context_tokens: int
    kv_tokens: int | None


class ServesAnother(JudgeRefused):
    """The server does not have the requested model; in a panel it may be another judge's."""


def readable(text: str) -> str:
    """The text on one line, without control characters."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def introduced(
    url: str, listing: Mapping[str, object], version: Mapping[str, object], metrics: str, model: str | None
) -> Served:
    """Read /v1/models, /version and /metrics of a server. ServesAnother where it does not serve `model`."""
    entries = listing.get("data")
    entries = entries if isinstance(entries, list) else []
    known = [entry for entry in entries if isinstance(entry, dict) and _is_name(entry.get("id"))]
    entry = _chosen(known, model, url)
    context = entry.get("max_model_len")
    return Served(
        model=str(entry["id"]),
        root=str(entry["root"] if _is_name(entry.get("root")) else entry["id"]),
        engine=_engine(entry, version),
        context_tokens=context if type(context) is int and 0 < context < _CONTEXT_MAX else 0,
        kv_tokens=kv_tokens(metrics),
    )


def _is_name(value: object) -> bool:
    """Whether it can be a model's name or path: a judge's identity is made of it, and stands in every verdict."""
    return isinstance(value, str) and 0 < len(value) <= _NAME_CHARACTERS_MAX and value.isprintable()


def _chosen(entries: Sequence[Mapping[str, object]], model: str | None, url: str) -> Mapping[str, object]:
    """The requested model among those served: by its id, its root, or the last part of either's path."""
    if model is None and entries:
        return entries[0]
    names = (model, _last_part(model))
    for shorten in (str, _last_part):
        for key in ("id", "root"):
            for entry in entries:
                if shorten(entry.get(key)) in names:
                    return entry
    served = ", ".join(str(entry["id"]) for entry in entries[:5]) or "nothing"
    raise ServesAnother(
        f"{url} serves {readable(served)[:300]}, not {model or 'any model'}; "
        "set --judge-model to what it serves, or start it with --served-model-name"
    )


def _last_part(name: object) -> str:
    return str(name).rstrip("/").rpartition("/")[2]


def _engine(entry: Mapping[str, object], version: Mapping[str, object]) -> str:
    """Such as `vllm 0.32.0`; a build's local suffix is left out, as `engine_version` does."""
    name = readable(str(entry.get("owned_by") or "unknown engine"))[:_NAME_CHARACTERS_MAX]
    number = version.get("version")
    return f"{name} {readable(str(number)[:_NAME_CHARACTERS_MAX]).partition('+')[0]}" if number else name
