"""The card as a judge model may read it: neutralised, cut, and between marks that its author cannot have guessed.

A card is hostile data. What no reader sees is removed; what a tokenizer or a judge could take for more than text is
broken, so that a reader still recognises it. Every function is pure and takes time linear in the length of the text,
and of a very long text only head and tail are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from tasks.cards.facts import BIDI, ZERO_WIDTH, is_telling_comment
from tasks.cards.front_matter import split_front_matter
from tasks.cards.parse import BODY_CHARACTERS_MAX
from tasks.cards.unseen import seen

FENCE_VERSION = 3  # raise it with any change that alters the text that a judge model sees of some card

_ROUNDS_MAX = 4  # no honest card nests markup in markup deeper than this


@dataclass(frozen=True, slots=True)
class Neutral:
    """Harmless text. `flags` name what was found, like those of `tasks.cards.facts`."""

    text: str
    flags: list[str]


_FLAGS = (
    *("nul", "zero_width", "bidi_control", "tag_characters", "variation_selectors", "control_characters"),
    *("hidden_comment", "hidden_text", "script", "nested_markup", "chat_template_tokens"),
    *("data_uri_image", "data_uri", "encoded_run", "fence_imitation"),
)


def neutralise(text: str) -> Neutral:
    """Accepts any text. Idempotent where nothing is cut: it repeats its steps until a pass changes nothing.

    A text that is longer than the parser reads of a body, even with its repetitions and encoded bytes named, is cut
    first: the steps take seconds for a million characters of markup in markup.
    """
    found: set[str] = set()
    text = text.removeprefix("\ufeff")  # a byte order mark
    if len(text) > BODY_CHARACTERS_MAX:
        text = cut(_name_bytes(_shorten_repeats(text, found), found), BODY_CHARACTERS_MAX, _LONG_MARK)
    for rounds in count(1):
        after = text
        for step in _STEPS:
            after = step(after, found)
        if after == text:
            break
        if rounds > _ROUNDS_MAX and "<" in after:
            found.add("nested_markup")
            after = after.replace("<", "‹")
        text = after
    return Neutral(text, [flag for flag in _FLAGS if flag in found])


# ------------------------------------------------------------------------------------- characters without ink

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x9f\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
_TAGS = "\U000e0000-\U000e007f"
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_WIDTHLESS = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Joiners are meaningful between emoji, and after letters of scripts that join or stack.
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u2bff\u3030\u303d\u3297\u3299"
    "\ufe0e\ufe0f\U0001f000-\U0001faff"  # a selector and a skin tone may stand before a joiner
)
_JOINING = "\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_ANY_INKLESS = re.compile(f"[{_CONTROLS}{_TAGS}{_DIRECTIONS}{_WIDTHLESS}{_SELECTORS}]")
_INKLESS = re.compile(
    f"(?P<joiner>(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])|(?<=[{_JOINING}])[\u200c\u200d](?![{_WIDTHLESS}]))"
    f"|[{_CONTROLS}{_TAGS}{_DIRECTIONS}{_WIDTHLESS}]+|[{_SELECTORS}]{{2,}}|(?<![^A-Za-z\\s])[{_SELECTORS}]"
)
_KINDS = [
    ("nul", re.compile("\x00")),
    (
        "zero_width",
        re.compile(f"[{''.join(ZERO_WIDTH)}\u200c\u200d\u2061-\u2064]|[\u061c\u200e\u200f]{{2}}"),
    ),
    ("bidi_control", re.compile(f"[{''.join(BIDI)}]")),
    ("tag_characters", re.compile(f"[{_TAGS}]")),
    ("variation_selectors", re.compile(f"[{_SELECTORS}]")),
    ("control_characters", re.compile(f"(?!\x00)[{_CONTROLS}]")),
]


def _drop_inkless(text: str, found: set[str]) -> str:
    """Remove zero-width, bidi, tag and control characters, and variation selectors without effect."""
    text = _SURROGATE.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    if not _ANY_INKLESS.search(text):
        return text

    def drop(match: re.Match[str]) -> str:
        if match["joiner"]:
            return match[0]
        found.update(name for name, kind in _KINDS if kind.search(match[0]))
        return ""

    return _INKLESS.sub(drop, text)


_REPEATED = re.compile(r"(.)\1{199,}", re.DOTALL)


def _shorten_repeats(text: str, found: set[str]) -> str:
    """Keep 40 of 200 or more repetitions of a character: the rest adds nothing."""
    return _REPEATED.sub(lambda match: match[1] * 40, text)


# ------------------------------------------------------------------------------------------------- markup


def _drop_unseen(text: str, found: set[str]) -> str:
    if "<" not in text:
        return text
    _, body = split_front_matter(text)
    result = seen(body)
    if any(map(is_telling_comment, result.comments)):
        found.add("hidden_comment")
    if any(result.hidden):
        found.add("hidden_text")
    if result.has_script:
        found.add("script")
    return text[: len(text) - len(body)] + result.text


# -------------------------------------------------------------------------------------------- chat templates

_GAP = r"[^\S\n]{0,4}"
_NAMES = (
    # Sentence marks, and marks of older chat models
    *(r"s", r"(?:bos|eos|pad|unk)(?:_token)?", r"sep", r"cls", r"so[ps]", r"eo[adhmpt]"),
    # Turns and speakers
    *(r"(?:start|begin|end)_of_\w{1,24}", r"system", r"developer", r"user", r"assistant", r"human"),
    # Thoughts and tools
    *(r"think(?:ing)?", r"thoughts?", r"tools?", r"tool_\w{1,24}", r"functions?", r"function_\w{1,24}"),
    # Pictures, fill-in-the-middle, reserved ones
    *(r"image", r"audio", r"video", r"image_soft_token", r"fim_\w{1,16}", r"file_sep", r"repo_name"),
    *(r"(?:extra|unused|special|reserved)\w{0,16}_?\d{1,5}", r"(?:seed|minimax):\w{1,24}"),
)
_BRACKETED = (
    *(r"INST", r"SYS", r"SYSTEM_PROMPT", r"THINK", r"TOOL_\w{1,16}", r"AVAILABLE_TOOLS", r"gMASK", r"sMASK"),
    # In small letters these are BBCode, or a word in brackets
    *(r"(?-i:IMG(?:_BREAK|_END)?)", r"(?-i:PREFIX|MIDDLE|SUFFIX|ARGS|CALL_ID|AUDIO)"),
)
# With blanks inside, only unmistakable names: "| < | 5 | > |" is a row of a table.
_SPACED = r"\w*[_▁]\w*|system|developer|user|assistant|human|observation|endoftext|endofturn|channel|message"
_CHAT = re.compile(
    r"[<＜\[\]](?:"  # all begin with a bracket, so that most of a text is passed over quickly
    r"(?<=[<＜])(?:"
    r"[|｜][^|｜<>＜＞\n]{1,80}[|｜][>＞]"  # <|im_start|>, and DeepSeek's with wide pipes
    r"|[|｜][^\W\d][\w▁./:-]{0,64}[>＞]"  # <|turn>
    r"|[^\W\d][\w▁./:-]{0,64}[|｜][>＞]"  # <turn|>
    rf"|{_GAP}[|｜]{_GAP}(?:{_SPACED}){_GAP}[|｜]{_GAP}[>＞]"
    rf"|{_GAP}/?{_GAP}(?:{'|'.join(_NAMES)}){_GAP}/?{_GAP}[>＞])"
    rf"|(?<=<)<{_GAP}/?{_GAP}SYS{_GAP}>>"
    rf"|(?<=\[)(?:{_GAP}/?{_GAP}(?:{'|'.join(_BRACKETED)}){_GAP}\]"
    rf"|{_GAP}[|｜][^|｜\[\]\n]{{1,80}}[|｜]{_GAP}\]"  # [|user|]
    r"|e~\[)|(?<=\])~!?b[\[\]])",  # MiniMax
    re.IGNORECASE,
)
_LOOK_ALIKES = str.maketrans({"<": "‹", "＜": "‹", "[": "‹", ">": "›", "＞": "›", "]": "›"})


def _break_chat_tokens(text: str, found: set[str]) -> str:
    """Replace brackets by look-alikes. [MASK], [CLS] and <mask> stay: no chat model uses them, and cards need them."""

    def broken(match: re.Match[str]) -> str:
        found.add("chat_template_tokens")
        return match[0].translate(_LOOK_ALIKES)

    return _CHAT.sub(broken, text)


# ----------------------------------------------------------------------------------------- bytes as characters

_DATA_URI = re.compile(
    r"data:([a-z]{2,20})/[\w.+-]{1,60}(?:;[\w=.+-]{1,60}){0,4},[^\s\"'()<>\[\]`]*+", re.IGNORECASE
)
_RUN = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_=-]{120,}+")
_SEQUENCE_CHARACTERS_MAX = 1000
_MARKS = re.compile(r"[-+/=_]")
_WRAPPED_RUN = re.compile(r"^(?:[ \t>]{0,8}[A-Za-z0-9+/]{60,119}+={0,2}[ \t]{0,8}\n){3,}", re.MULTILINE)


def _name_bytes(text: str, found: set[str]) -> str:
    """Replace data URIs and long runs of base64 or hexadecimal digits, which use up the token budget, by a note."""

    def uri(match: re.Match[str]) -> str:
        found.add("data_uri_image" if match[1].lower() == "image" else "data_uri")
        return f"‹data URI of {len(match[0]):,} characters›"

    def run(match: re.Match[str]) -> str:
        if _is_words(match[0]):
            return match[0]
        found.add("encoded_run")
        line_end = "\n" if match[0].endswith("\n") else ""
        return f"‹{len(match[0].rstrip()):,} characters without a blank›{line_end}"

    text = _DATA_URI.sub(uri, text) if ":" in text else text
    return _WRAPPED_RUN.sub(run, _RUN.sub(run, text))


def _is_words(run: str) -> bool:
    """Whether it is a path, a rule or words joined by dashes, with no part longer than a commit hash; or a protein."""
    letters = "".join(run.split())
    if letters.isalpha() and letters.isupper():
        return len(letters) <= _SEQUENCE_CHARACTERS_MAX
    return "\n" not in run and max(map(len, _MARKS.split(run))) <= 40


# ------------------------------------------------------------------------------------------------- the fence

CUT_MARK = "⟦… {:,} characters left out …⟧"
_LONG_MARK = "‹{:,} characters left out›"  # before the steps, which break what looks like a mark of the fence
_CUT_MARK_CHARACTERS_MAX = 60
_IMITATION = re.compile(r"⟦\s{0,9}(?:end\s+)?(?:card|…)|(?:begins?|ends?|left out …)\s{0,9}⟧", re.IGNORECASE)


def marks(card_id: str) -> tuple[str, str]:
    """The lines above and below a card."""
    return f"⟦CARD {card_id} BEGINS⟧", f"⟦CARD {card_id} ENDS⟧"


def _break_fences(text: str, found: set[str]) -> str:
    """Replace the brackets that marks are made of, so that no card contains them."""
    if "⟦" not in text and "⟧" not in text:
        return text
    if _IMITATION.search(text):
        found.add("fence_imitation")
    return text.replace("⟦", "[[").replace("⟧", "]]")


def fenced(text: str, card_hash: str) -> str:
    """The neutralised card between its marks.

    The marks' id comes from a hash of the text, so no author can write the id of a text into it.
    """
    begins, ends = marks(card_hash[:12])
    return f"{begins}\n{text}\n{ends}"


def cut(text: str, characters_max: int, mark: str = CUT_MARK) -> str:
    """Two thirds head and one third tail, cut at line ends if they are near, with a note of how much is left out."""
    if len(text) <= characters_max:
        return text
    room = max(0, characters_max - _CUT_MARK_CHARACTERS_MAX)
    tail_room = room // 3
    end, start = room - tail_room, len(text) - tail_room
    line_end = text.rfind("\n", end - end // 5, end)
    end = line_end if line_end >= 0 else end
    line_end = text.find("\n", start, start + tail_room // 5)
    start = line_end + 1 if line_end >= 0 else start
    return f"{text[:end]}\n{mark.format(start - end)}\n{text[start:]}"


# Markup comes before tokens: a broken </s> would no longer close what <s hidden> opened.
_STEPS: tuple[Callable[[str, set[str]], str], ...] = (
    *(_drop_inkless, _shorten_repeats, _drop_unseen, _break_chat_tokens, _name_bytes, _break_fences),
)


# -------------------------------------------------------------------------------------------------- evidence

_QUOTE_WORDS_MIN = 3
_QUOTE_CHARACTERS_MIN = 12


def is_verbatim(quote: str, card: str) -> bool:
    """Whether a quote occurs word for word in the neutralised card, and is long enough to be meaningful.

    Runs of white space count as one blank; three words or twelve characters are enough.
    """
    words = quote.split()
    plain = " ".join(words)
    if len(words) < _QUOTE_WORDS_MIN and len(plain) < _QUOTE_CHARACTERS_MIN:
        return False
    return plain in " ".join(card.split())
