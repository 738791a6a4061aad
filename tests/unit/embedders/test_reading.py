"""What of a card is embedded, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.embedders.reading import (
    BODY_CHARACTERS_MIN,
    LEAD_CHARACTERS,
    SECTIONS_MAX,
    TITLE_CHARACTERS,
    plain,
    read_card,
)

FILLER = (
    "It turns plain sentences into other plain sentences, one after the other, and keeps what they mean. " * 3
)


def sections(body: str) -> str:
    reading = read_card(f"{body}\n\n## Filler\n\n{FILLER}")
    assert reading is not None
    return "\n".join(reading.sections[:-1])


def test_a_section_is_read_under_its_title_and_no_further_than_its_beginning() -> None:
    read = sections(f"# Poems\n\nIt writes poems. {'And more of them. ' * 40}The end.")
    assert read.startswith("Poems: It writes poems.")
    assert "The end." not in read
    assert len(read) <= LEAD_CHARACTERS + TITLE_CHARACTERS + 2


@pytest.mark.parametrize(
    ("body", "left_out"),
    [
        ("# A\n\nSee https://example.org/paper for more words.", "example"),
        ("# A\n\nMade from ada/verse-7b by hand.", "ada"),
        ("# A\n\nAn accuracy of 0.9312 on it.", "9312"),
        ("# A\n\n![banner](banner.png) words", "banner"),
        ("# A\n\n<!-- a comment of the form --> words", "comment"),
        ("# A\n\n[More Information Needed]\n\nwords", "Information"),
        ("# A\n\n```python\na = 1\nb = 2\nc = 3\nd = 4\nfifth_line()\n```", "fifth"),
        ("# A\n\n| name | score |\n|---|---|\n| one | 1 |\n| two | 2 |\n| three | 3 |", "three"),
    ],
)
def test_text_that_says_nothing_about_the_kind_of_model_is_left_out(body: str, left_out: str) -> None:
    assert left_out not in sections(body)


def test_code_and_tables_are_read_by_their_beginnings() -> None:
    read = sections(
        "# A\n\n```python\nfrom peft import PeftModel\n```\n\n| task | f1 |\n|---|---|\n| ner | 9 |"
    )
    assert "from peft import PeftModel" in read
    assert "task | f1" in read


def test_the_titles_of_an_empty_form_are_read() -> None:
    reading = read_card("".join(f"## Title {place}\n\n[More Information Needed]\n\n" for place in "abcdefgh"))
    assert reading is not None
    assert reading.sections == tuple(f"Title {place}" for place in "abcdefgh")


def test_facts_of_the_front_matter_become_a_line_of_words() -> None:
    reading = read_card(
        "---\npipeline_tag: text-generation\nlibrary_name: peft\nlanguage: [en, de]\ntags: [lora, 'arxiv:1']\n"
        f"license: mit\nbase_model: ada/verse-7b\n---\n# A\n\n{FILLER}"
    )
    assert reading is not None
    assert reading.metadata == (
        "task text-generation; library peft; language en, de; tags lora; made from a base model"
    )


def test_a_card_without_front_matter_has_no_such_line() -> None:
    reading = read_card(f"# A\n\n{FILLER}")
    assert reading is not None
    assert reading.metadata == ""


def test_a_body_of_fewer_than_two_hundred_characters_is_not_placed() -> None:
    front = f"---\ntags: [{', '.join(f'tag-{n}' for n in range(60))}]\n---\n"
    assert read_card(front + "x" * (BODY_CHARACTERS_MIN - 1)) is None
    assert read_card(front + "word " * (BODY_CHARACTERS_MIN // 5) + "w") is not None


def test_names_of_formats_and_sizes_stay() -> None:
    assert plain("Verse-7B-GGUF in Q4_K_M, 12 layers") == "Verse-7B-GGUF in Q4_K_M, 0 layers"


@given(st.text(max_size=2_000) | st.text("#-|`\n[](){}<>!*_ a/1.", max_size=2_000))
def test_any_text_is_read_within_bounds(text: str) -> None:
    reading = read_card(text)
    if reading is not None:
        assert 1 <= len(reading.sections) <= SECTIONS_MAX
        assert max(map(len, reading.sections)) <= TITLE_CHARACTERS + LEAD_CHARACTERS + 2


def test_a_card_of_four_hundred_thousand_characters_is_read_in_bounds() -> None:
    reading = read_card("# a\n\n" + "word/" * 80_000 + "\n\n## b\n\nend")
    assert reading is not None
    assert len(reading.sections) <= 2
