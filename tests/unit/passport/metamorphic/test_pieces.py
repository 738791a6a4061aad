"""A card cut by layout: nothing is lost, and each piece is what it looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.passport.metamorphic.pieces import (
    cut,
    is_plain,
    opening_end,
    section_level,
    section_starts,
    title_end,
    word_total,
)

CARD = """---
license: mit
tags: [a]
---

# Tidewords

It sorts messages.
With two lines.

| a | b |
|---|---|
| 1 | 2 |

## Use

- one
  and more
- two

```python
# no heading
run()
```

Training
--------

**In bold**

    indented()

Text right before | a table
| c | d |
|:--|--:|
"""


def kinds(text: str) -> list[str]:
    return [piece.kind for piece in cut(text).pieces if piece.kind != "blank"]


def test_every_kind_of_piece_is_told_by_its_layout() -> None:
    assert kinds(CARD) == [
        *(
            "heading",
            "prose",
            "table",
            "heading",
            "list",
            "code",
            "heading",
            "heading",
            "code",
            "prose",
            "table",
        ),
    ]


@given(st.text(alphabet=st.sampled_from("ab#-=|`~ *>1.\n\t:"), max_size=200))
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert cut(text).text == text


@given(st.text(max_size=300))
def test_any_text_can_be_cut_and_only_its_line_ends_change(text: str) -> None:
    assert cut(text).text == text.replace("\r\n", "\n").replace("\r", "\n")


def test_sections_are_those_of_the_highest_heading_below_the_title() -> None:
    pieces = cut("# T\n\nopening\n\n## A\n\n### in A\n\n## B\n").pieces
    assert (title_end(pieces), section_level(pieces)) == (1, 2)
    assert pieces[opening_end(pieces)].text == "## A\n"
    assert [pieces[at].text for at in section_starts(pieces)] == ["## A\n", "## B\n"]


def test_a_card_without_headings_is_an_opening() -> None:
    pieces = cut("words and more words").pieces
    assert (title_end(pieces), opening_end(pieces), section_starts(pieces)) == (0, 1, [])
    assert word_total(pieces) == 4


@pytest.mark.parametrize(
    "body", ["<h2>Use</h2>", "<!-- note -->", "<table><tr></tr></table>", "```python\nrun()", "<details>x"]
)
def test_a_card_whose_layout_does_not_tell_is_not_plain(body: str) -> None:
    assert not is_plain(cut(f"# T\n\n{body}\n"))
    assert is_plain(cut(CARD))
