"""What judging costs on a GPU: for one card, a thousand and a million, by size of the judge model.

    python benchmarks/judge_cost.py TOKENIZER.json [--corpus CORPUS.parquet] [--gpu-hour 2.50] [--write docs/judge.md]

Tokens per card are counted: the judge's own prompt, the corpus's cards as the judge sees them, and an answer of the
prompt's schema. The tokenizer is any `tokenizer.json`; others differ by some tenths, most in languages other than
English. The rubric is computed once and then found in the engine's cache, so only card and answer cost anything.

Speed is not measured here but taken from the two published measurements below, at other numbers of tokens. What a card
costs is taken to be a price per token read plus a price per token written; one measurement does not say how the two
share the time. Both extremes are therefore printed: all of it for reading, or all of it for writing. Other sizes are
scaled by active parameters, from the measurement of their kind; that is an extrapolation, and is marked so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from tokenizers import Tokenizer

from tasks.hub.source import demo_corpus
from tasks.judges.llm.fence import cut, fenced, neutralise
from tasks.judges.llm.prompt import Prompt, score_prompt
from tasks.rubric import load_rubric
from tasks.settings import settings

BEGIN, END = "<!-- figures: cost -->", "<!-- end of figures: cost -->"
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
    """The least and the most, over how reading and writing may share the measured time."""
    base = size.active / size.anchor.active / size.anchor.cards_a_second
    shares = tokens.card / size.anchor.tokens_in, tokens.answer / size.anchor.tokens_out
    return base * min(shares), base * max(shares)


def money(least: float, most: float) -> str:
    """Such as `0.02-0.05`; more digits where it is little."""
    digits = 0 if most >= 100 else 2 if most >= 0.1 else 6
    return f"{least:,.{digits}f}–{most:,.{digits}f}"


def rows_of(tokens: Tokens, gpu_hour: float) -> list[tuple[str, ...]]:
    """One row per size."""
    rows = []
    for size in SIZES:
        least, most = seconds_a_card(size, tokens)
        each = [money(least * n * gpu_hour / 3600, most * n * gpu_hour / 3600) for n in (1, 1_000, 1_000_000)]
        speed = f"{1 / most:,.1f}–{1 / least:,.1f}"
        source = "extrapolated" if size.is_extrapolated else "published"
        rows.append((size.name, source, speed, *each))
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    head = ("judge model", "speed is", "cards/s", "1 card", "1,000 cards", "1,000,000 cards")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of a file. Both must be there."""
    before, mark, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closing, after = rest.partition(end)
    if not (mark and closing):
        raise SystemExit(f"{path} has no place for the figures: {begin} … {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


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
    text = f"{table(rows_of(tokens, options.gpu_hour))}\n\n{note}"
    print(text)
    if options.write:
        between(options.write, BEGIN, END, text)


if __name__ == "__main__":
    main()
