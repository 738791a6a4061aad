"""Which models a snapshot is about, in words, and what its selection keeps anybody from saying."""

from __future__ import annotations

from tasks.records import Scope, Selection
from tasks.sentences.numbers import count, models

_RANKED = {"downloads": "most downloaded models", "likes": "most liked models", "created": "newest models"}


def scope_words(scope: Scope) -> str:
    """`the 3 000 most downloaded models`, `a random sample of 3 000 models of the Hub`, `all models`."""
    if scope.named_n:
        return f"{count(scope.named_n)} named models"
    if scope.is_sample:
        of = _narrowed(scope) or " of the Hub"
        return f"a random sample of {models(scope.sample_n or 0)}{of}"
    if scope.is_top:
        ranked = _RANKED.get(scope.top_by or "", "models that trend most")
        return f"the {count(scope.top_n)} {ranked}{_narrowed(scope)}"
    return f"all models{_narrowed(scope)}"


def _narrowed(scope: Scope) -> str:
    tags = " and ".join(scope.only_tags)
    tagged = f" with the tag{'s' * (len(scope.only_tags) != 1)} {tags}" if tags else ""
    return f"{tagged} of {scope.only_author}" if scope.only_author else tagged


def counted_of(n: int, scope: Scope | None) -> str:
    """So many models of a snapshot: `2 403 of the 3 000 most downloaded models`; of all of them, `2 403 models`."""
    if scope is None:
        return models(n)
    return f"{count(n)} of {scope_words(scope)}" if _is_part(scope) else f"{models(n)}{_narrowed(scope)}"


def scored_of(n: int, scope: Scope | None) -> str:
    """The same of the models that have a score: of all of them, `all 2 403 models with a score`."""
    words = counted_of(n, scope)
    return words if scope is None or _is_part(scope) else f"all {words} with a score"


def _is_part(scope: Scope) -> bool:
    return bool(scope.is_sample or scope.is_top or scope.named_n)


def selection_warning(scope: Scope) -> tuple[str, str] | None:
    """Title and text on what a snapshot cannot answer because an outcome selected its models; null for the others."""
    outcome = scope.selected_on
    if outcome is None:
        return None
    other = "likes" if outcome == "downloads" else "downloads"
    return (
        f"Selected by {outcome}.",
        f"This snapshot has {scope_words(scope)}. Models with fewer {outcome} are missing, whatever their cards, so "
        f"it says little about what goes with {outcome} (range restriction). Findings on {outcome} are flagged. "
        f"Findings on {other} are affected as far as {other} go with {outcome}. A random sample answers both.",
    )


def private_words(left_out: int, *, has_private: bool) -> str:
    """What a snapshot did with the private models that its token may see; empty where it met none."""
    if has_private:
        return "private models included"
    if not left_out:
        return ""
    return (
        f"{models(left_out)} left out, which only the token's account may see; --include-private reads them"
    )


def private_sentence(selection: Selection) -> str:
    """The same before the walk."""
    if selection.include_private:
        return "Private models that the token may see are read and shown like all others."
    return "Private models that the token may see are left out and counted; --include-private reads them."


def sample_hint(selection: Selection) -> str | None:
    """One line for a command that is asked for models by an outcome; null for every other selection."""
    outcome = selection.scope(selection.limit or 0).selected_on
    if outcome is None:
        return None
    return (
        f"The top {selection.limit:,} by {outcome} cannot show what goes with {outcome}; "
        f"`--sample {selection.limit}` draws models from the whole listing, and can."
    )
