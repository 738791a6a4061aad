"""Whether the front matter is what the Hub accepts, before it is pushed: syntax, known values, the form of lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

from tasks.advice.rule import LineEdit, Reading, Rule, RuleHit, plain_value
from tasks.cards import vocabulary
from tasks.judges.metadata import has_value, is_variant, refused_keys

_YAML_LINE = re.compile(r"YAML: line (\d+): ")
_SPELLED_OUT = {
    **{
        "afrikaans": "af",
        "albanian": "sq",
        "arabic": "ar",
        "armenian": "hy",
        "basque": "eu",
        "bengali": "bn",
    },
    **{"bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da"},
    **{"dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi", "french": "fr", "galician": "gl"},
    **{"german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is"},
    **{"indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja", "korean": "ko", "latin": "la"},
    **{
        "latvian": "lv",
        "lithuanian": "lt",
        "malay": "ms",
        "marathi": "mr",
        "nepali": "ne",
        "norwegian": "no",
    },
    **{
        "persian": "fa",
        "polish": "pl",
        "portuguese": "pt",
        "romanian": "ro",
        "russian": "ru",
        "serbian": "sr",
    },
    **{"slovak": "sk", "slovenian": "sl", "spanish": "es", "swahili": "sw", "swedish": "sv", "tamil": "ta"},
    **{"telugu": "te", "thai": "th", "turkish": "tr", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi"},
    **{"welsh": "cy", "yoruba": "yo", "zulu": "zu"},
}
_SCALAR = re.compile(r"(\s*(?:- |[\w-]+:\s+))([\"']?)([^#\"']+?)\2(\s*(?:#.*)?)")


def _missing(reading: Reading) -> Iterator[RuleHit]:
    front = reading.evidence.card.front_matter
    if not front.is_closed and front.error is None:
        yield (
            1,
            "there is no front matter",
            "Begin the card with `---`, the metadata as YAML, and `---` again.",
        )


def _broken(reading: Reading) -> Iterator[RuleHit]:
    front = reading.evidence.card.front_matter
    if front.error is None:
        return
    first = reading.places.front[0] if reading.places.front else 1
    if front.error == "unclosed":
        yield first, "the front matter has no end", "Write `---` on a line of its own after the metadata."
    elif front.error == "does not open the card":
        yield (
            1,
            "the front matter is not at the top",
            "Move it to the first line: the Hub reads it only there.",
        )
    elif found := _YAML_LINE.match(front.error):
        message = f"the front matter is no valid YAML: {front.error[found.end() :]}"
        yield (
            first + int(found[1]) - 1,
            message,
            "Correct this line; the Hub ignores all metadata until then.",
        )
    else:
        yield (
            first,
            f"the front matter cannot be used: {front.error}",
            "Write `key: value` lines between the fences.",
        )


def _duplicates(reading: Reading) -> Iterator[RuleHit]:
    for key in dict.fromkeys(reading.evidence.card.front_matter.duplicate_keys):
        yield (
            reading.places.line_of_key(key),
            f"`{plain_value(key)}` stands there twice",
            "Keep one of the two.",
        )


def _not_utf8(reading: Reading) -> Iterator[RuleHit]:
    if not reading.subject.is_utf8:
        line = reading.places.line_with("\ufffd") or 1
        yield (
            line,
            "the file is not UTF-8",
            "Save it as UTF-8: the Hub shows other characters in place of these.",
        )


def _license(reading: Reading) -> Iterator[RuleHit]:
    line = reading.places.line_of_key("license")
    for value in reading.values("license"):
        if value in vocabulary.licenses() or not has_value(value):
            continue
        at = reading.places.line_of_value("license", value)
        yield _unknown(reading, at, "license", value, vocabulary.licenses(), _as_license, "other")
    if not reading.values("license") and has_value(reading.metadata.get("license")):
        yield line, "`license` is no text", "Write `license:` and an identifier, such as `apache-2.0`."


def _as_license(value: str) -> str:
    return re.sub(r"[\s_]+", "-", value.strip().casefold().removesuffix(" license").removeprefix("the "))


def _other_license(reading: Reading) -> Iterator[RuleHit]:
    has_file = any("license" in name.casefold() for name in reading.subject.files or () if "/" not in name)
    if (
        "other" in reading.values("license")
        and not has_file
        and not has_value(reading.metadata.get("license_name"))
        and not has_value(reading.metadata.get("license_link"))
    ):
        advice = "Add `license_name:` and `license_link:`, or a file LICENSE beside the card."
        yield reading.places.line_of_key("license"), "`license: other` says neither name nor text", advice


def _no_license(reading: Reading) -> Iterator[RuleHit]:
    if reading.evidence.card.front_matter.is_closed and not has_value(reading.metadata.get("license")):
        yield (
            reading.places.line_of_key("license"),
            "the metadata name no license",
            "Add `license:`; without one nobody may use the model.",
        )


def _language(reading: Reading) -> Iterator[RuleHit]:
    for value in reading.values("language"):
        if value in vocabulary.languages() or not has_value(value):
            continue
        at = reading.places.line_of_value("language", value)
        code = _SPELLED_OUT.get(value.casefold()) or value.casefold()
        if code in vocabulary.languages():
            yield (
                at,
                f"`{plain_value(value)}` is no language code",
                f"Write `{code}`.",
                _replaced(reading, at, value, code),
            )
        elif is_variant(value):
            advice = f"Write `{value.split('-')[0]}` here and `{value}` under `language_bcp47:`."
            yield at, f"`{plain_value(value)}` is no ISO 639 code", advice
        else:
            yield (
                at,
                f"`{plain_value(value)}` is no language code",
                "Write an ISO 639 code, such as `en` or `yue`.",
            )


def _pipeline_tag(reading: Reading) -> Iterator[RuleHit]:
    value = reading.metadata.get("pipeline_tag")
    if isinstance(value, str) and has_value(value) and value.strip() not in vocabulary.task_names():
        at = reading.places.line_of_key("pipeline_tag")
        yield _unknown(reading, at, "pipeline tag", value, vocabulary.pipeline_tags(), _as_tag, None)
    elif isinstance(value, list):
        at = reading.places.line_of_key("pipeline_tag")
        yield at, "`pipeline_tag` is a list", "Name one task here and the others under `tags:`."


def _as_tag(value: str) -> str:
    return re.sub(r"[\s_]+", "-", value.strip().casefold())


def _library(reading: Reading) -> Iterator[RuleHit]:
    value = reading.metadata.get("library_name")
    if (
        isinstance(value, str)
        and has_value(value)
        and value.strip().casefold() not in vocabulary.library_names()
    ):
        at = reading.places.line_of_key("library_name")
        yield _unknown(reading, at, "library", value, vocabulary.libraries(), _as_tag, None)


def _tags(reading: Reading) -> Iterator[RuleHit]:
    value = reading.metadata.get("tags")
    at = reading.places.line_of_key("tags")
    if isinstance(value, str) and has_value(value):
        names = [name.strip() for name in value.split(",") if name.strip()]
        written = f"tags: {value}" == reading.places.lines[at - 1].strip()
        fix = (
            (LineEdit(at, at, ("tags:", *(f"- {name}" for name in names))),)
            if written and all(map(_is_plain, names))
            else ()
        )
        yield (
            at,
            "`tags` is text, where the Hub wants a list",
            "Write one tag per line, each after `- `.",
            fix,
        )
    elif isinstance(value, list) and not all(isinstance(tag, str) for tag in value):
        yield at, "`tags` holds something else than texts", "Write one tag per line, each after `- `."


def _is_plain(name: str) -> bool:
    """Whether YAML reads the text as it stands."""
    return bool(re.fullmatch(r"[A-Za-z][\w.+ -]{0,60}", name))


_OWN_RULES = ("license", "language", "pipeline_tag", "library_name", "tags")


def _refused(reading: Reading) -> Iterator[RuleHit]:
    """What the Hub refuses under the keys that have no rule of their own."""
    for key in dict.fromkeys(refused_keys(reading.metadata)):
        if key not in _OWN_RULES:
            value = reading.metadata[key]
            advice = _ADVICE.get(key, "Correct the value, or take the key out.")
            yield (
                reading.places.line_of_key(key),
                f"`{key}: {plain_value(value)}` is refused by the Hub",
                advice,
            )


_ADVICE = {
    "datasets": "Name data sets as they are on the Hub: `owner/name`, or `name` alone for old ones.",
    "base_model": "Name the base model as it is on the Hub: `owner/name`.",
    "base_model_relation": "Write one of: adapter, finetune, merge, quantized.",
    "new_version": "Name the newer model as it is on the Hub: `owner/name`.",
    "language_bcp47": "Write BCP 47 tags, such as `pt-BR`.",
    "license_link": "Write an address, or the name of a file of the repository.",
    "license_name": "Write a short name for the license.",
    "model-index": "Give each model a `name` and a list of `results`, each with a `task` and `metrics`.",
}


def _unknown(
    reading: Reading,
    line: int,
    kind: str,
    value: str,
    known: Iterable[str],
    normal: Callable[[str], str],
    otherwise: str | None,
) -> RuleHit:
    names = {name.casefold(): name for name in known}
    message = f"the Hub knows no {kind} `{plain_value(value)}`"
    if exact := names.get(normal(value)):
        return line, message, f"Write `{exact}`.", _replaced(reading, line, value, exact)
    close = get_close_matches(normal(value)[:100], names, 2, 0.75)
    if close:
        return line, message, f"Did you mean {' or '.join(f'`{names[each]}`' for each in close)}?"
    return line, message, f"Take one from the Hub's list{f', or `{otherwise}`' if otherwise else ''}."


def _replaced(reading: Reading, line: int, value: str, by: str) -> tuple[LineEdit, ...]:
    """The line with the value replaced, where it is the only thing on it; else no edit."""
    found = _SCALAR.fullmatch(reading.places.lines[line - 1])
    if not found or found[3].strip() != value.strip():
        return ()
    return (LineEdit(line, line, (f"{found[1]}{by}{found[4]}",)),)


RULES = (
    Rule(
        "front-matter-missing",
        "warning",
        "No front matter",
        "Searches, filters, the license badge and the widget of a model's page come from the metadata alone.",
        _missing,
    ),
    Rule(
        "front-matter-broken",
        "error",
        "Front matter that cannot be read",
        "The Hub ignores metadata that are no valid YAML, and refuses a push of them.",
        _broken,
    ),
    Rule(
        "front-matter-duplicate",
        "warning",
        "A key twice",
        "Readers of YAML differ in which of the two counts.",
        _duplicates,
    ),
    Rule(
        "front-matter-refused",
        "error",
        "A value that the Hub refuses",
        "A push with it is rejected, or the value is dropped.",
        _refused,
    ),
    Rule(
        "not-utf8",
        "error",
        "A file that is not UTF-8",
        "The Hub reads cards as UTF-8; other bytes become replacement characters.",
        _not_utf8,
    ),
    Rule(
        "license-missing",
        "warning",
        "No license",
        "Without a license nobody may use, change or share the model, whatever was meant.",
        _no_license,
    ),
    Rule(
        "license-unknown",
        "error",
        "A license that the Hub does not know",
        "The Hub accepts its own identifiers alone, and files the model under them.",
        _license,
    ),
    Rule(
        "license-other-unnamed",
        "error",
        "`license: other` without its name",
        "Readers have to find out what `other` means before they may use the model.",
        _other_license,
    ),
    Rule(
        "language-unknown",
        "error",
        "A language that the Hub does not know",
        "The Hub files models by ISO 639 codes, and refuses other words for a language.",
        _language,
    ),
    Rule(
        "pipeline-tag-unknown",
        "error",
        "A pipeline tag that the Hub does not know",
        "The pipeline tag decides about the filter, the widget and the snippet of a model's page.",
        _pipeline_tag,
    ),
    Rule(
        "library-unknown",
        "warning",
        "A library that the Hub does not know",
        "The library decides about the snippet and about how downloads are counted.",
        _library,
    ),
    Rule(
        "tags-not-a-list", "error", "Tags that are no list", "The Hub refuses tags in any other form.", _tags
    ),
)
