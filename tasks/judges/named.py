"""Whether a text names the data that a model was trained or tested on, or only tools, machines and tasks.

"Trained on the Harbour corpus" names data; "trained with TRL", "on eight A100" and "on the None dataset" do not. What
stands behind the preposition decides: `[data_set_names]`, `[data_words]`, `[no_data]` and `[no_names]` of cues.toml
hold the words that speak for and against data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from tasks.judges import cues

_GAP = 170  # characters between the verb and the last preposition that still belongs to it
_OBJECT = 110
_NAME = 30
_VERBS_TRIED, _PREPOSITIONS_TRIED = 100, 5  # a hostile text may hold nothing else

_TRAINED = re.compile(
    r"(?<![^\W_])(?:(?:pre|fine|re|post|self|co|instruction)[- ]?)?(?:train|tun|distill)(ed|ing)\b"
)
# "can be trained on", "for fine-tuning on", "was not trained on": what could be or was not done.
_NOT_DONE = re.compile(
    r"(?:\b(?:be|being|not|never|to|for|when|before|while|if|about|how|you|your|try|start|consider|without|require[sd]?|need[sd]?"
    r"|support[sd]?|allow[sd]?|users?|own)|n['’]t|cannot)\s(?:\w{2,12}ly\s|further\s|then\s|been\s|be\s){0,2}\(?$"
)
_MEASURED = re.compile(
    r"(?<![^\W_])(?:evaluat|test|measur|scor|achiev|obtain|benchmark|validat|perform|reach|result|accurac|perplexit|precision"
    r"|recall|wer\b|cer\b|bleu|rouge|f1|em\b|map\b|auc|gets?\b|got\b|metrics?\b|report)\w{0,6}"
)
_PREPOSITION = re.compile(
    r"(?<![^\W_-])(?:(on|over|upon|against)|with|using|utili[sz]ing|leveraging|from|via|(to|for))\s+(?=\S)"
)
_SENTENCE_END = re.compile(r"[.!?。;](?=\s|$)|\n")
# What stands behind these words belongs to something else.
_OBJECT_END = re.compile(
    r"[,;:|—–]\s|\)\s|\s(?:for|with|using|via|by|which|that|in|at|to|on|as|where|after|starting|it|is"
    r"|and (?:achiev|then|reach|the following)\w{0,4})\s"
)
_WORDS = re.compile(r"[^\W_][\w'’./+@-]{0,60}")


_SEEN = re.compile(r"(?<![^\W_])(?:has|have) (?:only |ever |just )?seen (?:the )?(?=\S)")


def names_training_data(text: str, written: str) -> bool:
    """Whether the casefolded text says what a model was trained on; `written` is the same text as it was written."""
    return any(
        not _NOT_DONE.search(text, max(0, match.start() - 60), match.start())
        and _has_data(text, match.end(), written)
        for match in islice(_TRAINED.finditer(text), _VERBS_TRIED)
    ) or any(
        is_data(text[match.end() : match.end() + _OBJECT], written)
        for match in islice(_SEEN.finditer(text), _VERBS_TRIED)
    )


def names_test_data(text: str, written: str) -> bool:
    """Whether the casefolded text says on what something was measured."""
    return any(
        _has_data(text, match.end(), written) for match in islice(_MEASURED.finditer(text), _VERBS_TRIED)
    )


def _has_data(text: str, start: int, written: str) -> bool:
    """Whether data stand behind a preposition of the sentence in which a verb ends at `start`."""
    end = _SENTENCE_END.search(text, start, start + _GAP)
    stop = end.start() if end else min(len(text), start + _GAP)
    for preposition in islice(_PREPOSITION.finditer(text, start, stop), _PREPOSITIONS_TRIED):
        said = text[preposition.end() : min(stop, preposition.end() + _OBJECT)]
        if preposition[2]:  # "tuned to squad" names data, "tuned to write texts" does not
            if cues.has("data_set_names", said[:_NAME]):
                return True
        elif is_data(said, written if preposition[1] else None):
            return True
    return False


def is_data(said: str, written: str | None = None) -> bool:
    """Whether a casefolded phrase is the name or the description of data.

    A word that speaks for data needs a specific word beside it: not "our own dataset". With the text as it was
    written, a proper name suffices.
    """
    cut = _OBJECT_END.search(said)
    said = said[: cut.start()] if cut else said
    if not said or cues.has("no_data", said):
        return False
    if cues.has("data_set_names", said):
        return True
    specific = list(_specific(said))
    if cues.has("data_words", said):
        return bool(specific)
    return (
        written is not None
        and not cues.has("no_names", said)
        and any(_is_name(w, written) for w in specific[:3])
    )


def _specific(said: str) -> Iterator[str]:
    """The words that say more than that there are data."""
    return (word for word in _WORDS.findall(said) if word.strip("'’.") not in cues.GENERIC_DATA_WORDS)


def _is_name(word: str, written: str) -> bool:
    """Whether a casefolded word is written like a name: with a capital, a digit or a joint, in quotes or as a link."""
    if any(map(str.isdigit, word)) or "_" in word or "/" in word:
        return any(map(str.isalpha, word)) and len(word) > 2
    return len(word) > 1 and (f" {word}" not in written or f"`{word}" in written or f"[{word}" in written)
