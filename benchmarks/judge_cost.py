"""What judging costs on a GPU: for one card, a thousand and a million, by size of the judge model.

    python -m benchmarks.judge_cost TOKENIZER.json [--corpus CORPUS.parquet] [--gpu-hour 2.50] [--write docs/judge.md]

Tokens per card are counted: the judge's own prompt, the corpus's cards as the judge sees them, and an answer of the
prompt's schema. The tokenizer is any `tokenizer.json`; others differ by some tenths, most in languages other than
English.

Speed is not measured here but taken from the two published measurements below, which had other numbers of tokens. The
time of a card is taken to be a time per token read plus a time per token written; one measurement does not say how
the two share the time, nor whether part of the prompt was in a cache. So a range is printed: from the less of the two
ratios of tokens, with the rubric in the cache, to the greater of them, with no cache. Other sizes are scaled by active
parameters from the measurement of their kind: an extrapolation, and marked so.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from tokenizers import Tokenizer

from benchmarks.pages import markdown, write_between
from tasks.hub.source import demo_corpus
from tasks.judges.llm.fence import cut, fenced, neutralise
from tasks.judges.llm.prompt import Prompt, score_prompt
from tasks.rubric import load_rubric
from tasks.settings import settings

HEAD = ("judge model", "speed is", "cards/s", "1 card", "1,000 cards", "1,000,000 cards")
SAMPLE = 400
EVERY_TOKEN_CHARACTERS = 4  # to cut long cards as the judge does, near enough


@dataclass(frozen=True, slots=True)
class Anchor:
    """A published speed. `active`: parameters in use per token, in billions."""

    what: str
    active: float
    cards_a_second: float
    tokens_in: int = 1500
    tokens_out: int = 150


DENSE = Anchor("a 9B in BF16 on one H100", 9.0, 20.9)
SPARSE = Anchor("a 35B-A3B in FP8 on one H200", 3.0, 30.6)


@dataclass(frozen=True, slots=True)
class Size:
    """A size of judge model, and the measurement that its speed is taken from."""

    name: str
    active: float
    anchor: Anchor

    @property
    def is_extrapolated(self) -> bool:
        """Whether nobody published this size's speed."""
        return self.active != self.anchor.active


SIZES = (
    Size("4B, BF16, H100", 4.0, DENSE),
    Size("8B, BF16, H100", 8.2, DENSE),
    Size("9B, BF16, H100", 9.0, DENSE),
    Size("30B-A3B, FP8, H200", 3.3, SPARSE),
    Size("35B-A3B, FP8, H200", 3.0, SPARSE),
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Per card: of the prompt that all cards share, of the card itself (mean), of the answer."""

    shared: int
    card: float
    answer: int


# ------------------------------------------------------------------------------------------------- tokens


def an_answer(rule: object) -> object:
    """Any value that follows a schema; all of the score's values take equally many tokens."""
    match rule:
        case {"properties": dict() as properties}:
            return {name: an_answer(part) for name, part in properties.items()}
        case {"enum": [first, *_]}:
            return first
    return 1


def counted(prompt: Prompt, texts: Sequence[str], tokenizer: Tokenizer, card_tokens_max: int) -> Tokens:
    """Count what each part of a request takes."""

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    shown = [
        fenced(cut(neutralise(text).text, card_tokens_max * EVERY_TOKEN_CHARACTERS), "0" * 64)
        for text in texts
    ]
    answer = json.dumps(an_answer(prompt.schema), separators=(",", ":"))
    return Tokens(count(prompt.system), statistics.fmean(map(count, shown)), count(answer))


def sample_of(corpus: Path) -> list[str]:
    """Distinct texts of the corpus, evenly over their order."""
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique().sort()
    filled = [text for text in texts.to_list() if text.strip()]
    return filled[:: max(1, len(filled) // SAMPLE)]


# ------------------------------------------------------------------------------------------------- cost


def seconds_a_card(size: Size, tokens: Tokens) -> tuple[float, float]:
    """The least and the most, over how reading, writing and the cache may share the measured time."""
    base = size.active / size.anchor.active / size.anchor.cards_a_second
    written = tokens.answer / size.anchor.tokens_out
    least = min(tokens.card / size.anchor.tokens_in, written)
    most = max((tokens.shared + tokens.card) / size.anchor.tokens_in, written)
    return base * least, base * most


def money(least: float, most: float) -> str:
    """Such as `0.020 to 0.051`: two digits that count, at most two decimals from 1 on."""
    digits = max(0, 1 - math.floor(math.log10(least)))
    return f"{least:,.{digits}f} to {most:,.{digits}f}"


def rows_of(tokens: Tokens, gpu_hour: float) -> list[tuple[str, ...]]:
    """One row per size."""
    rows = []
    for size in SIZES:
        least, most = seconds_a_card(size, tokens)
        each = [money(least * n * gpu_hour / 3600, most * n * gpu_hour / 3600) for n in (1, 1_000, 1_000_000)]
        speed = f"{1 / most:,.0f} to {1 / least:,.0f}"
        source = "extrapolated" if size.is_extrapolated else "published"
        rows.append((size.name, source, speed, *each))
    return rows


def main() -> None:
    """Count, compute, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--corpus", type=Path, help="a corpus file; default: the demo's")
    parser.add_argument("--gpu-hour", type=float, default=2.5, help="price of a GPU hour")
    parser.add_argument("--write", type=Path, help="a page to write the table into, between its marks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = sample_of(options.corpus or demo_corpus(Path(folder)))
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    tokens = counted(score_prompt(load_rubric()), texts, tokenizer, settings().judge_card_tokens)
    note = (
        f"{tokens.shared:,} tokens of rubric (cached), {tokens.card:,.0f} of card and {tokens.answer:,} of answer, "
        f"counted over {len(texts):,} cards of {options.corpus or 'the demo corpus'} with the tokenizer of "
        f"{options.tokenizer.parent.name}; {options.gpu_hour:.2f} per GPU hour; {datetime.now(UTC):%-d %B %Y}."
    )
    text = f"{markdown(HEAD, rows_of(tokens, options.gpu_hour))}\n\n{note}"
    print(text)
    if options.write:
        write_between(options.write, "cost", text)


if __name__ == "__main__":
    main()
