"""How a reader can run the model from the card: code, commands, demos; and the blanks that are left to fill in."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from tasks.cards.evidence import Evidence
from tasks.judges import cues

_LINES_MAX = 200
_LINE_CHARACTERS_MAX = 2_000
_CONTINUED = re.compile(r"[ \t]{0,8}[\\`^]\n[ \t]{0,40}")  # as bash, PowerShell and cmd continue a line


# ------------------------------------------------------------------------------------------------ running


def has_snippet(e: Evidence) -> bool:
    return bool(running_code(e)) or has_demo(e)


def snippet_is_complete(e: Evidence) -> bool:
    """Whether the code imports what it needs and names the model without blanks, or one command does all that."""
    blocks = _running_blocks(e)
    if blocks and _code_has_blanks(e):
        blocks = [text for text in blocks if not _leaves_blanks(text)]
    if cues.has("imports", e.code) and cues.has("names_model", "\n".join(blocks)):
        return True
    return any(cues.has("names_served_model", each) and not _leaves_blanks(each) for each in _commands(e))


def running_code(e: Evidence) -> list[str]:
    """What loads or runs something, casefolded: code blocks, and pieces of code within the text."""
    return _running_blocks(e) or _commands(e) or _lines_with(cues.CUES["loads_inline"], e.inline)


@lru_cache(maxsize=1)
def _running_blocks(e: Evidence) -> list[str]:
    codes = e.card.codes
    folded = [e.code] if len(codes) == 1 else [code.text.casefold() for code in codes]
    if cues.has("runs", e.code):
        return folded if len(codes) == 1 else [text for text in folded if cues.has("runs", text)]
    return [text for text in folded if cues.COMMAND(_joined(text))]


@lru_cache(maxsize=1)
def _commands(e: Evidence) -> list[str]:
    """The lines of code, in blocks or within the text, that run or fetch a model."""
    return _lines_with(cues.COMMAND, _joined(e.code)) + _lines_with(cues.COMMAND, e.inline)


def _joined(code: str) -> str:
    """The code with each continued line in one."""
    return _CONTINUED.sub(" ", code) if "\\\n" in code or "`\n" in code or "^\n" in code else code


def _lines_with(cue: cues.Cue, text: str) -> list[str]:
    """The lines that hold the cue, without repetitions."""
    if not cue(text):
        return []
    starts = {_line_start(text, match.start()) for match in islice(cue.matches(text), _LINES_MAX)}
    return list(dict.fromkeys(_line(text, start) for start in sorted(starts)))


def _line_start(text: str, at: int) -> int:
    earliest = max(0, at - _LINE_CHARACTERS_MAX)
    return max(earliest, text.rfind("\n", earliest, at) + 1)


def _line(text: str, start: int) -> str:
    return text[start : start + _LINE_CHARACTERS_MAX].split("\n", 1)[0]


# -------------------------------------------------------------------------------------------------- demos


def has_demo(e: Evidence) -> bool:
    """Whether a link leads to where the model can be tried: not to the Space that converted it, nor a leaderboard."""
    links = "\n".join({link[:300] for link in e.card.links if "." in link}).casefold()
    found = _lines_with(cues.CUES["demo_link"], links)
    others = _lines_with(cues.CUES["other_space"], "\n".join(found))
    demos = [link for link in found if link not in others]
    is_maker = len(demos) == 1 and not others and "spaces/" in demos[0] and cues.has("made_in_space", e.prose)
    return bool(demos) and not is_maker


# ------------------------------------------------------------------------------------------------- blanks

_ANGLE = re.compile(r"<([^\W\d_][^<>\n\"'=;]{0,60})>")
_COMPOUND = re.compile(  # of several words, as a blank is; so are the special tokens of prompts
    r"(?!(?:start|end|begin|im|extra|tool|bos|eos|pad|sep|unk|mask|image|video|audio|speech|fim|reserved|unused)[-_ ])"
    r"[^\W_]{1,40}(?:[-_ ][^\W_]{1,40}){1,8}"
)
_BRACES = re.compile(
    r"(?<![$\w{])\{{1,2} ?(?:your|(?:hf|user|repo|model|checkpoint)[-_ ]?(?:id|name|path|user|token))[\w -]{0,24}\}"
)
_FILLED_STRING = re.compile(r"\b[rb]?f[rb]?[\"']|\.format\(|\.replace\(|render\(|template")
_SHELL = re.compile(
    r"\s{0,8}(?:[$!%>#] ?)?(?:sudo )?(?:export |set )?(?:\w{1,40}=\S{0,200} ){0,6}(?:[\w.~/-]{0,80}/)?"
    r"(?:docker|podman|python3?|pip3?|hf|huggingface-cli|git|curl|wget|ollama|llama|vllm|lms|lerobot|mlx|npx|uvx?|accelerate"
    r"|torchrun|transformers|text-|deepspeed|axolotl|optimum-cli|sglang|trtllm|export|cd|bash|sh|conda|main|koboldcpp)\b"
)


def has_blanks(e: Evidence) -> bool:
    """Whether code, or a command within the text, leaves something for the reader to fill in."""
    return _code_has_blanks(e) or any(map(_leaves_blanks, _lines_with(cues.COMMAND, e.inline)))


@lru_cache(maxsize=1)
def _code_has_blanks(e: Evidence) -> bool:
    return _leaves_blanks(e.code)


def _leaves_blanks(code: str) -> bool:
    if cues.has("blanks", code) or _has_braces(code):
        return True
    return "<" in code and any(_has_angle(line, code) for line in _joined(code).split("\n") if "<" in line)


def _has_angle(line: str, code: str) -> bool:
    """Whether <something> is to be filled in: a tag that is closed, a special token or a type is not."""
    line = line[:_LINE_CHARACTERS_MAX]
    names = [name for name in _ANGLE.findall(line) if f"</{name}>" not in code]
    if not names:
        return False
    named = "\n".join(names)
    if cues.has("blank_names", named):
        return True
    is_open = any(map(_COMPOUND.fullmatch, names)) or cues.has("command_blanks", named)
    return is_open and bool(_SHELL.match(line))


def _has_braces(code: str) -> bool:
    """Whether {model_id} is left as it stands: strings that a program fills in are not blanks."""
    return "{" in code and bool(_BRACES.search(code)) and not _FILLED_STRING.search(code)
