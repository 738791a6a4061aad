"""Ways of asking a judge model about a card, compared on cards whose quality is known.

    python -m benchmarks.judge_ways MODEL_FOLDER [--cards 24] [--write docs/judge.md]
    python -m benchmarks.judge_ways http://127.0.0.1:8000 --name "Qwen3-8B" --write docs/judge.md

The ways, all with the same cards, rubric, fence, schema-bound answers and temperature 0:

- keys: all checks at once, a key per check, and the score: what the product does;
- digits: all checks at once, a string of digits per criterion, and the score;
- digits and example: the same, with an example of the form: what the product did before;
- criterion: one criterion per request, the card first, so that the engine's cache holds the card for the other seven;
- pairs: which of two cards is the better one, against fixed anchor cards, each pair in both orders.

What is known: the planted documentation level of demo cards, and the levels of the canaries. "Ordered" is the share of
pairs of cards of different quality in which the better one has the higher score, ties half: 0.5 is chance, and what the
checklist and the mere length reach on the same cards stands beside it. Intervals are bootstrapped over cards.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from benchmarks.judge_ways.asking import Answer, Round, asked
from benchmarks.judge_ways.cards import KnownCard, canary_cards, demo_cards, shown
from benchmarks.judge_ways.figures import Measured, modes_table, ordering_table, ways_table
from benchmarks.judge_ways.ways import Reading, Way, all_ways
from benchmarks.pages import machine, with_block
from tasks.errors import VerdictInvalid
from tasks.hub.source import demo_corpus
from tasks.judges import opened_judge
from tasks.judges.llm.judge import LlmJudge
from tasks.judges.vllm.server import running_judge_server
from tasks.records import JudgeSpec
from tasks.settings import settings

ANCHORS = 3


def readings(way: Way, found: Round, parts: int) -> dict[str, Reading]:
    """By card; a card without all its answers, or with one that says too little, has none."""
    complete = {card: answers for card, answers in found.answers.items() if len(answers) == parts}
    return {card: reading for card, answers in complete.items() if (reading := read_or_none(way, answers))}


def read_or_none(way: Way, answers: Mapping[str, Answer]) -> Reading | None:
    """What the way reads; null where keys are missing or the probabilities do not suffice."""
    try:
        return way.read(answers)
    except (VerdictInvalid, KeyError):
        return None


def measure(judge: LlmJudge, way: Way, texts: Mapping[str, str], again: int) -> Measured:
    """Ask about all cards; then about a few of them in the reverse order."""
    questions = {card: way.questions(card, text) for card, text in texts.items()}
    parts = len(next(iter(questions.values())))
    found = asked(judge, [one for card in questions for one in questions[card]])
    some = list(questions)[:: max(1, len(questions) // again)][::-1] if again else []
    later = asked(judge, [one for card in some for one in reversed(questions[card])])
    print(f"{way.name}: {found.seconds:.0f} s, {found.refused} refused", flush=True)
    return Measured(way.name, parts, found, readings(way, found, parts), readings(way, later, parts))


@contextmanager
def server_of(model: str, folder: Path) -> Iterator[str]:
    """Its address: the one that was named, or that of a server which is started for the block."""
    if model.startswith("http"):
        yield model
        return
    with running_judge_server(model, folder / "judge.log", settings()) as url:
        yield url


def run(options: argparse.Namespace) -> tuple[list[Measured], list[KnownCard]]:
    """Measure the ways that were asked for."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        known = demo_cards(demo_corpus(folder), options.cards + ANCHORS)
        # Anchors lie between the others: bad, middling, good.
        places = [round((at + 0.5) * len(known) / ANCHORS) for at in range(ANCHORS)]
        anchors = [shown(known[place].text, options.tokens) for place in places]
        cards = [card for place, card in enumerate(known) if place not in places] + canary_cards()
        texts = {card.id: shown(card.text, options.tokens) for card in cards}
        url = stack.enter_context(server_of(options.model, folder))
        judge = cast(LlmJudge, stack.enter_context(opened_judge(JudgeSpec("vllm", urls=(url,)))))
        ways = all_ways(anchors)
        chosen = [ways[name] for name in (options.ways.split(",") if options.ways else ways)]
        measured = []
        for way in chosen:
            measured.append(one := measure(judge, way, texts, options.again))
            # At once: on a CPU a way takes an hour, and the next one may fail.
            print(f"{ways_table([one], cards)}\n\n{ordering_table([one], cards)}\n", flush=True)
        return measured, cards


def note(measured: Sequence[Measured], options: argparse.Namespace, cards: Sequence[KnownCard]) -> str:
    """Under what circumstances."""
    counts = Counter(card.source for card in cards)
    return (
        f"{counts['demo']} demo cards and {counts['canaries']} canaries, cut to about {options.tokens} tokens; "
        f"{options.again} of them asked again; {ANCHORS} anchors; {machine()}; {datetime.now(UTC):%-d %B %Y}."
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a folder, a name that vLLM knows, or a server's address")
    parser.add_argument("--name", help="what the model is called in the tables; default: the folder's name")
    parser.add_argument("--cards", type=int, default=24, help="demo cards")
    parser.add_argument("--again", type=int, default=8, help="cards that are asked about a second time")
    parser.add_argument("--tokens", type=int, default=400, help="tokens of a card, about")
    parser.add_argument("--ways", help="only these, separated by commas")
    parser.add_argument("--write", type=Path, help="a page to write the tables into, between its marks")
    options = parser.parse_args()
    name = options.name or Path(options.model).name
    measured, cards = run(options)
    footer = note(measured, options, cards)
    text = "\n\n".join([ways_table(measured, cards), ordering_table(measured, cards), footer])
    modes = [modes_table(one, cards) for one in measured if one.way == "keys"]
    print(f"\n{name}\n\n{text}\n\n" + "\n".join(modes))
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        page = with_block(page, "ways", name, text)
        for table in modes:
            page = with_block(page, "score modes", name, f"{table}\n\n{footer}")
        options.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
