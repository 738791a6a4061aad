"""What is taken away, by layout alone: keys of the front matter, code, tables, numbers, headings, all text.

No edit here looks for what a check asks about. Each takes away everything that could be its evidence, so that a check
that still passes is wrong whatever the card said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tasks.cards.front_matter import split_front_matter
from tasks.passport.metamorphic.edits import CardEdit, checks_of
from tasks.passport.metamorphic.pieces import CutCard, Piece, title_end, word_total

WALL_WORDS = 350  # in one paragraph are a wall to anybody
_BODY = checks_of() - checks_of("metadata")
# Tasks in which language plays a part, and words in the tags of those in which it plays none.
_WORDED_TASKS = frozenset(
    {"text-classification", "token-classification", "question-answering", "translation", "summarization"}
    | {"fill-mask", "text-generation", "text2text-generation", "conversational", "sentence-similarity"}
    | {"automatic-speech-recognition", "text-to-speech"}
)
_WORDLESS = re.compile(
    r"image|audio-|object|video|vision|reinforcement|tabular|speaker|enhance|robot|resolution|depth"
)


def takings(card: CutCard) -> Iterator[CardEdit]:
    """Every way to take something away of which the card has any."""
    if card.front and card.is_readable and card.metadata:
        yield from _keys(card)
    for take in (_code, _tables, _numbers, _headings, _formatting, _everything):
        if edit := take(card):
            yield edit


# -------------------------------------------------------------------------------------------------- front matter


def _unindexed(card: CutCard) -> str:
    """The front matter without the model-index."""
    return without_keys(card.front, "model-index")


def without_keys(front: str, *keys: str) -> str:
    """Front matter without the lines of some keys and of what they hold."""
    kept, is_in = [], False
    for line in front.splitlines(keepends=True):
        if re.match(r"[^\s#-]", line) or line.startswith("---"):
            is_in = any(re.match(rf"(['\"]?){re.escape(key)}\1\s*:", line) for key in keys)
        if not is_in:
            kept.append(line)
    return "".join(kept)


def _keys(card: CutCard) -> Iterator[CardEdit]:
    """Each of the metadata's own checks, by the keys that it is about."""
    valid = frozenset({"metadata_valid"})
    yield from _key(card, "license", ("license", "license_name", "license_link"), {"license_given"}, valid)
    if _is_worded(card):
        yield from _key(
            card, "language", ("language", "languages", "language_bcp47"), {"language_given"}, valid
        )
    if not _is_tools(card):
        keys = ("pipeline_tag", "library_name", "tags")
        yield from _key(card, "task and library", keys, {"task_given"}, valid | {"language_given"})
    data = {"data_named", "data_described", "names_origin", "names_test_set", "procedure_described"}
    keys = ("base_model", "base_model_relation", "datasets")
    yield from _key(card, "base model and data sets", keys, {"lineage_given"}, valid | data)


def _key(
    card: CutCard, name: str, keys: tuple[str, ...], falls: set[str], may: frozenset[str]
) -> Iterator[CardEdit]:
    """The edit, where the card has any of the keys and its front matter stays readable without them."""
    if not any(key in card.metadata for key in keys):
        return
    front = without_keys(card.front, *keys)
    left, _ = split_front_matter(front)
    wanted = {key: value for key, value in card.metadata.items() if key not in keys}
    if left.metadata == wanted and not left.error:
        yield CardEdit(f"without {name}", card.changed(front=front), falls=frozenset(falls), may=may)


def _tags(card: CutCard) -> list[str]:
    found = [card.metadata.get("pipeline_tag"), *_listed(card.metadata.get("tags"))]
    return [tag.casefold() for tag in found if isinstance(tag, str)]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _is_worded(card: CutCard) -> bool:
    """Whether the card's task is one for which a language has to be given."""
    tags = _tags(card)
    return not _WORDED_TASKS.isdisjoint(tags) and not any(map(_WORDLESS.search, tags))


def _is_tools(card: CutCard) -> bool:
    """Whether a tool tagged the card as its own: without the tag it would be taken for a person's."""
    return any("generated" in tag or "auto" in tag for tag in _tags(card))


# ---------------------------------------------------------------------------------------------------------- body

_LINK = re.compile(r"!?\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.]+")
_INLINE = re.compile(r"`+[^`\n]+`+")
_IMAGE = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])|<img\b[^>]*>")
_REFERENCE = re.compile(r" {0,3}\[[^\]]+\]:\s*\S+[^\n]*\n?")
_SENTENCE = re.compile(r"(?<=[.!?;。！？；])\s+|(?<=[。！？；])|\n")


def _mapped(
    pieces: Iterable[Piece], *, drop: tuple[str, ...] = (), change: Callable[[str], str] = str
) -> list[Piece]:
    """The pieces but for some kinds, with the text of paragraphs, lists and headings changed."""
    kept = (piece for piece in pieces if piece.kind not in drop)
    return [
        piece if piece.kind in ("code", "table") else replace(piece, text=change(piece.text))
        for piece in kept
    ]


def _has(card: CutCard, *kinds: str) -> bool:
    return any(piece.kind in kinds for piece in card.pieces)


def _without_links(text: str) -> str:
    text = _LINK.sub(lambda link: "" if link[0].startswith("!") else link[1], _REFERENCE.sub("", text))
    return _ADDRESS.sub("", _INLINE.sub("", text))


def _code(card: CutCard) -> CardEdit | None:
    """Code in blocks and in the text, and every link: nothing is left that runs or leads to a demo."""
    if not _has(card, "code"):
        return None
    pieces = _mapped(card.pieces, drop=("code", "table"), change=_without_links)
    return CardEdit(
        "without code and links",
        card.changed(pieces=pieces),
        falls=frozenset({"has_snippet", "snippet_is_complete"}),
        may=_BODY - {"out_of_scope"} | {"metadata_valid"},
    )


def _tables(card: CutCard) -> CardEdit | None:
    """Tables and the model-index."""
    if not _has(card, "table") and "model-index" not in card.metadata:
        return None
    touched = {"reports_numbers", "names_test_set", "compares", "hyperparameters_given", "compute_given"}
    touched |= {"shows_example", "procedure_described", "explains_protocol", "data_named", "data_described"}
    touched |= {
        "limits_specific",
        "covers_sections",
        "has_sections",
        "is_formatted",
        "has_specifics",
        "own_words",
    }
    touched |= {"is_detailed", "references_given", "has_snippet", "snippet_is_complete", "metadata_valid"}
    return CardEdit(
        "without tables",
        card.changed(front=_unindexed(card), pieces=_mapped(card.pieces, drop=("table",))),
        falls=frozenset({"structured_results"}),
        may=frozenset(touched),
    )


def _numbers(card: CutCard) -> CardEdit | None:
    """Every table, all code, the model-index, and each sentence or line that holds a digit."""
    pieces = _mapped(card.pieces, drop=("table", "code"), change=_without_digits)
    if card.changed(pieces=pieces) == card.text:
        return None
    return CardEdit(
        "without numbers",
        card.changed(front=_unindexed(card), pieces=pieces),
        falls=frozenset({"reports_numbers", "structured_results", "hyperparameters_given"}),
        may=_BODY | {"metadata_valid"},
    )


def _without_digits(text: str) -> str:
    """Without the sentences and lines that hold a digit; line ends stay."""
    lines = []
    for line in text.split("\n"):
        parts = _SENTENCE.split(line) if any(map(str.isdigit, line)) else [line]
        lines.append(" ".join(part for part in parts if not any(map(str.isdigit, part))))
    return "\n".join(lines)


def _headings(card: CutCard) -> CardEdit | None:
    """All headings, lists and breaks: one long paragraph where there were sections. Only of cards with enough words."""
    start = title_end(card.pieces)
    rest = card.pieces[start:]
    if word_total(rest) < WALL_WORDS or not _has(card, "heading"):
        return None
    prose = [_as_paragraphs(piece.text) for piece in rest if piece.kind in ("prose", "list")]
    wall = " ".join(" ".join(prose).split())
    others = [piece.text for piece in rest if piece.kind in ("code", "table")]
    text = "".join(piece.text for piece in card.pieces[:start]) + f"\n{wall}\n\n" + "\n".join(others)
    stays = {"license_given", "language_given", "task_given", "lineage_given"}
    return CardEdit(
        "in one paragraph",
        card.front + text,
        falls=frozenset({"has_sections", "covers_sections", "is_readable"}),
        may=checks_of() - stays,
    )


def _formatting(card: CutCard) -> CardEdit | None:
    """Code, tables and images; lists become paragraphs."""
    if not (_has(card, "code", "table", "list") or _IMAGE.search(card.text)):
        return None
    pieces = [
        replace(piece, kind="prose", text=_as_paragraphs(piece.text)) if piece.kind == "list" else piece
        for piece in _mapped(card.pieces, drop=("code", "table"), change=lambda text: _IMAGE.sub("", text))
    ]
    stays = {"license_given", "language_given", "task_given", "lineage_given"}
    return CardEdit(
        "without lists, tables, code and images",
        card.changed(front=_unindexed(card), pieces=pieces),
        falls=frozenset({"is_formatted"}),
        may=checks_of() - stays,
    )


def _as_paragraphs(text: str) -> str:
    items = re.split(r"\n(?=[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t])", text.rstrip("\n"))
    plain = [" ".join(re.sub(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+", "", item).split()) for item in items]
    return "\n\n".join(plain) + "\n\n"


def _everything(card: CutCard) -> CardEdit | None:
    """All that stands under the headings: what is left names sections and fills none."""
    headings = [piece for piece in card.pieces if piece.kind == "heading"]
    if len(headings) < 3:
        return None
    text = card.front + "\n" + "\n\n".join(piece.text.rstrip("\n") for piece in headings) + "\n"
    # A heading may be a sentence, and the front matter may name origin, data and results.
    told = {
        "states_what_it_is",
        "names_origin",
        "data_named",
        "data_described",
        "shows_example",
        "reports_numbers",
    }
    told |= {"names_test_set", "structured_results", "compares", "metadata_valid"}
    return CardEdit(
        "headings alone",
        text,
        falls=_BODY - told - {"no_placeholders"},
        may=frozenset({*told, "no_placeholders"}),
    )
