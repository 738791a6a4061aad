"""Make the table of boilerplate that the package ships: digests and counts, no text.

    python benchmarks/shipped_boilerplate.py --home HOME [--wheels .tool-wheels] [--write FILE]

Takes the table that `cardiograph boilerplate learn` put into the lake of HOME, and adds the sentences of the cards that
today's tools write, from the forms in their released packages (`make tool-wheels`): sentences that stand in the cards
of a tool however they are filled in. Prints how many came from where.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl

from tasks.boilerplate.tables import STAGE
from tasks.cards.boilerplate import sentence_id, sentences_of
from tasks.cards.parse import parse_card
from tasks.storage.lake import Lake
from tests.tools.forms import FORMS, Wheel

SHIPPED = Path(__file__).parents[1] / "tasks" / "cards" / "boilerplate.parquet"


def sentences_in(card: str) -> set[int]:
    """The digests of a card's sentences."""
    blocks = parse_card(card).blocks
    return {sentence_id(sentence) for block in blocks for sentence in sentences_of(block)} - {0}


def of_tools(folder: Path) -> set[int]:
    """The sentences that stand in two cards of a tool at least, of two releases or filled in in two ways."""
    cards: defaultdict[str, list[set[int]]] = defaultdict(list)
    for path in sorted(folder.glob("*.whl")):
        wheel = Wheel(path)
        for form in FORMS:
            if form.is_in(wheel):
                cards[form.template] += [sentences_in(card) for card in form.cards(wheel)]
    found: set[int] = set()
    for each in cards.values():
        found |= {one for card in each for one in card if len(each) == 1 or sum(one in c for c in each) > 1}
    return found


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, default=Path(".tool-wheels"))
    parser.add_argument("--write", type=Path, default=SHIPPED)
    options = parser.parse_args()
    lake = Lake(options.home)
    columns = lake.columns(lake.parts(STAGE)[-1], ["sentence", "is_house", "authors", "models"])
    learned = pl.DataFrame(columns.to_pydict()).filter(pl.col("authors").is_not_null())
    tools = of_tools(options.wheels) - set(learned["sentence"])
    added = pl.DataFrame(
        {"sentence": sorted(tools), "is_house": False, "authors": None, "models": None}, schema=learned.schema
    )
    rows = pl.concat([learned, added]).sort("sentence")
    digest = sha256("\n".join(map(str, rows["sentence"])).encode()).hexdigest()
    version = f"{datetime.now(UTC):%Y-%m-%d}-{digest[:12]}"
    rows.insert_column(0, pl.lit(version).alias("version")).write_parquet(options.write)
    print(f"{learned.height} sentences learned from cards, {added.height} from the forms of tools: {version}")


if __name__ == "__main__":
    main()
