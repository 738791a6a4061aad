"""What a card takes in tokens: prompt, card and answer, by the vocabulary of a model behind llama.cpp's server.

    python -m benchmarks.judge_tokens URL CORPUS [CARDS]

Also holds the upper bound that stands in where a server does not count (`tasks/judges/openai/tokens.py`) against it.
"""

from __future__ import annotations

import json
import statistics
import sys
import urllib.request

import polars as pl

from tasks.judges.llm.fence import fenced
from tasks.judges.llm.prompt import score_prompt
from tasks.judges.openai.tokens import tokens_at_most
from tasks.judges.scripted import answer_for
from tasks.rubric import load_rubric
from tasks.settings import settings


def counted(url: str, text: str) -> int:
    """Tokens of a text, as the server counts them."""
    request = urllib.request.Request(
        f"{url}/tokenize", json.dumps({"content": text}).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(json.loads(answer.read())["tokens"])


def main(url: str, corpus: str, cards: int = 500) -> None:
    """Print the figures of a sample of the corpus's texts."""
    prompt = score_prompt(load_rubric())
    texts = pl.read_parquet(corpus, columns=["card_text"])["card_text"].drop_nulls().unique().sort()
    sample = texts.filter(texts.str.strip_chars() != "").sample(min(cards, len(texts)), seed=1).to_list()
    around = sum(counted(url, message["content"]) for message in prompt.messages(fenced("", "0" * 64)))
    answer = counted(url, answer_for({"messages": [{"content": "any"}]}, prompt.schema))
    sizes = [counted(url, text) for text in sample]
    most = settings().judge_card_tokens
    ratios = sorted(tokens_at_most(text) / size for text, size in zip(sample, sizes, strict=True))
    print(f"{len(sample)} texts of {corpus}")
    print(f"prompt {around:,} tokens, answer {answer:,}")
    print(
        f"card: mean {statistics.mean(min(size, most) for size in sizes):,.0f}, median {statistics.median(sizes):,.0f}"
    )
    print(
        f"upper bound over count: median {statistics.median(ratios):.2f}, lowest {ratios[0]:.2f}, "
        f"below 1 for {sum(ratio < 1 for ratio in ratios) / len(ratios):.1%} of texts"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
