"""What servers say about themselves, in the shapes of many of them. Every function accepts any answer of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tasks.errors import JudgeRefused
from tasks.judges.llm.client import is_private
from tasks.judges.llm.served import ServesAnother, readable

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Introduction:
    """What one server serves. `context_tokens` is 0, and `revision` null, where it does not report them."""

    model: str
    engine: str
    version: str = ""
    context_tokens: int = 0
    revision: str | None = None

    def listing(self) -> dict[str, object]:
        """The same in the words of vLLM's /v1/models."""
        entry = {
            "id": self.model,
            "root": self.model,
            "owned_by": self.engine,
            "max_model_len": self.context_tokens,
        }
        return {"data": [entry]}


def host_of(url: str) -> str:
    """The name of the provider, which is part of who judges; `local` on this machine or in a private network."""
    return "local" if is_private(url) else urlsplit(url).hostname or ""


def entries_of(listing: Fields) -> list[Fields]:
    """The models of a listing."""
    found = listing.get("data")
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def chosen(entries: Sequence[Fields], requested: str | None, url: str) -> tuple[str, Fields]:
    """The name to ask for, and the entry of the listing that it means.

    A name is an id, the last part of an id that is a path, or an id with `:provider` after it. Raises ServesAnother
    where it is none of these, JudgeRefused where no name is given and there is a choice.
    """
    ids = [str(entry["id"]) for entry in entries]
    if requested is None:
        if len(ids) == 1:
            return ids[0], entries[0]
        raise JudgeRefused(f"{url} serves {_some(ids)}: name one of them with --judge openai:MODEL")
    plain = requested.rpartition(":")[0]
    for name, shorten in ((requested, str), (requested, _last_part), (plain, str)):
        for entry, known in zip(entries, ids, strict=True):
            if name and shorten(known) == name:
                return (requested if name == plain else known), entry
    raise ServesAnother(
        f"{url} serves {_some(ids)}, not {requested}; name one of them with --judge openai:MODEL"
    )


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 5:,} more" if len(ids) > 5 else ""
    return readable(", ".join(ids[:5]))[:300] + more if ids else "nothing"


def _last_part(name: object) -> str:
    return str(name).rstrip("/").rpartition("/")[2]


def context_in(entry: Fields, requested: str) -> int:
    """The context that a listing reports for a model, or for its provider after the colon; 0 where it does not."""
    providers = entry.get("providers")
    provider = requested.rpartition(":")[2]
    for found in providers if isinstance(providers, list) else []:
        if isinstance(found, dict) and found.get("provider") == provider:
            return _first_size(found, ("context_length",))
    return _first_size(entry, ("max_model_len", "context_length", "context_window", "loaded_context_length"))


def _first_size(fields: Fields, names: Iterable[str]) -> int:
    sizes = (fields.get(name) for name in names)
    return next(
        (size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size > 0), 0
    )


# ----------------------------------------------------------------------------------- servers of one's own


def by_llama_cpp(known: Introduction, props: Fields) -> Introduction:
    """With what llama.cpp reports at /props: its build, and the context of one slot."""
    defaults = props.get("default_generation_settings")
    if not isinstance(defaults, dict):
        return known
    context = _first_size(defaults, ("n_ctx",)) or known.context_tokens
    return replace(known, engine="llama.cpp", version=_word(props.get("build_info")), context_tokens=context)


def by_ollama(known: Introduction, version: Fields, running: Fields) -> Introduction:
    """With what Ollama reports at /api/version and /api/ps: the digest and the context of the model that is loaded."""
    models = running.get("models")
    for model in models if isinstance(models, list) else []:
        if isinstance(model, dict) and known.model in (
            model.get("name"),
            model.get("model"),
            _untagged(model),
        ):
            digest = model.get("digest")
            known = replace(
                known,
                context_tokens=_first_size(model, ("context_length",)) or known.context_tokens,
                revision=digest[:16] if isinstance(digest, str) else None,
            )
    return replace(known, engine="ollama", version=_word(version.get("version")))


def _untagged(model: Fields) -> str:
    return str(model.get("name")).removesuffix(":latest")


def by_lm_studio(known: Introduction, model: Fields) -> Introduction:
    """With what LM Studio reports at /api/v0/models/MODEL: the context that the model was loaded with."""
    context = _first_size(model, ("loaded_context_length",)) or known.context_tokens
    return replace(known, engine="LM Studio", context_tokens=context)


def _word(value: object) -> str:
    return readable(value)[:60] if isinstance(value, str) else ""
