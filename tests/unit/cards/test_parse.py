"""Any text parses, in bounded time, into what a reader of the Hub's page sees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cards.parse import BODY_CHARACTERS_MAX, parse_card

# Pieces that break parsers, put together in any order.
PIECES = [
    *(
        "---\n",
        "---",
        "\n",
        "\r\n",
        "key: value\n",
        "- item\n",
        "\tkey: x\n",
        "a: &x [1]\n",
        "b: *x\n",
        "{",
        "[",
    ),
    *(
        "# Title\n",
        "## How to use\n",
        "```python\nimport x\n```\n",
        "```",
        "|a|b|\n|-|-|\n|1|2|\n",
        "> ",
        "<div>",
    ),
    *(
        "<h2>",
        "</h2>",
        "<table><tr><td>",
        "</table>",
        "<!--",
        "-->",
        "<script>",
        "<pre>",
        "<p hidden>",
        "**bold**\n",
    ),
    *(
        "[a](b)",
        "![a](b)",
        "\x00",
        "\ufeff",
        "\u200b",
        "\ud800",
        "模型",
        "License: MIT\n",
        "    code\n",
        "<",
        ">",
    ),
]
broken_markdown = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(st.text() | broken_markdown)
def test_any_text_parses(text: str) -> None:
    card = parse_card(text)
    assert all(0 <= section.level <= 7 for section in card.sections)
    assert all(isinstance(key, str) for key in card.metadata)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_front_matter_leaves_the_body_alone(front: str, word: str) -> None:
    body = parse_card(f"---\n{front}\n---\nThe body.\n").body
    assert body.endswith("The body.\n")
    assert parse_card(f"---\n{word}").front_matter.metadata == {}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 600_000,
        "word " * 120_000,
        ">" * 100_000,
        "> " * 100_000,
        "[" * 100_000,
        "![" * 100_000,
        "[a](" * 50_000,
        "<" * 200_000,
        "<a " * 60_000,
        "<!--" * 60_000,
        '<div style="' * 30_000,
        '<a x="' + 'a="' * 100_000,
        "*a " * 100_000,
        "`" * 100_000,
        "- " * 100_000,
        "|a" * 50_000 + "\n" + "|-" * 50_000 + "\n",
        "---\na: " + "[" * 100_000 + "\n---\n",
        "---\n" + "- " * 60_000 + "\n---\n",
        "---\na: " + "{b: " * 40_000 + "\n---\n",
        "---\na: b\n" + "\n--- x" * 60_000,
        " " * 500_000,
        "\n" * 500_000 + "---",
        "# h\n" * 50_000,
        "<h1>" * 60_000,
        "https://" * 50_000,
        "a: " * 100_000,
    ],
    ids=lambda text: repr(text[:14]),
)
@pytest.mark.timeout(20)
def test_a_monster_is_parsed_in_bounded_time(text: str) -> None:
    """The slowest of them takes a quarter of a second; one that is quadratic would take minutes."""
    assert parse_card(text).is_truncated == (len(parse_card(text).body) > BODY_CHARACTERS_MAX)


def test_scalars_stay_as_they_were_written() -> None:
    source = "---\nlanguage: no\nversion: 1.10\ndate: 2020-01-01\nnothing: ~\nlist: [on, 0x1F]\nquoted: 'null'\n---\n"
    assert parse_card(source).metadata == {
        "language": "no",
        "version": "1.10",
        "date": "2020-01-01",
        "nothing": None,
        "list": ["on", "0x1F"],
        "quoted": "null",
    }


@pytest.mark.parametrize(
    ("text", "is_closed", "error"),
    [
        ("---\nlicense: mit\n---\nx", True, None),
        ("\ufeff---\r\nlicense: mit\r\n---\r\nx", True, None),
        ("---\n---\nx", True, None),
        ("---\nlicense: mit\n# Title\n", False, "unclosed"),
        ("---\n\nA rule above, then prose.\n", False, None),
        ("---\n- a\n- b\n---\nx", True, "a list instead of a mapping"),
        ("---\nhello\n---\nx", True, "a string instead of a mapping"),
        ("---\na:\n\t- b\n---\nx", True, "YAML: line 3: found character that cannot start any token"),
        ("---\na: \x1b\n---\nx", True, "YAML: control characters"),
        ("---\na: *nowhere\n---\nx", True, None),
        ("A logo\n---\nlicense: mit\n---\nx", False, "does not open the card"),
        ("no front matter", False, None),
    ],
)
def test_front_matter_is_judged_as_the_hub_does(text: str, is_closed: bool, error: str | None) -> None:
    front_matter = parse_card(text).front_matter
    assert (front_matter.is_closed, front_matter.error) == (is_closed, error)


def test_a_key_given_twice_keeps_the_last_value_and_is_noted() -> None:
    front_matter = parse_card("---\nlicense: mit\nlicense: gpl\n---\n").front_matter
    assert front_matter.metadata == {"license": "gpl"}
    assert front_matter.duplicate_keys == ("license",)


def test_an_alias_of_a_word_is_the_word_and_a_list_cannot_hold_itself() -> None:
    front_matter = parse_card("---\na: &x mit\nb: *x\nc: &y [1, *y]\n---\n").front_matter
    assert front_matter.metadata == {"a": "mit", "b": "mit", "c": ["1", None]}


def test_what_lies_beyond_the_limit_is_not_read() -> None:
    card = parse_card("# Title\n\n" + "word\n\n" * (BODY_CHARACTERS_MAX // 6) + "\n## Beyond\n\nText.\n")
    assert card.is_truncated
    assert [heading.title for heading in card.headings] == ["Title"]


def test_aliases_do_not_multiply() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    front_matter = parse_card(f"---\nl0: &l0 laugh\n{levels}---\n").front_matter
    assert front_matter.error is None
    assert len(str(front_matter.metadata)) < 2_000


def test_html_headings_tables_and_links_count_like_markdown() -> None:
    card = parse_card(
        "<h2 align='center'>Results</h2>\n<table><tr><th>Model<th>F1</tr><tr><td>ours<td>0.9</tr></table>\n"
        '<a href="https://example.org">here</a> <img src="x.png">\n'
    )
    section = card.sections[0]
    assert (section.title, section.level) == ("Results", 2)
    assert section.tables[0].rows == (("Model", "F1"), ("ours", "0.9"))
    assert (section.links, section.images) == (["https://example.org"], ["x.png"])


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- secret words -->",
        '<div style="display: none">secret words</div>',
        "<p hidden>secret words</p>",
        "<script>secret words</script>",
        "<style>secret words</style>",
        '<span style="font-size:0">secret words</span>',
        "![secret words](x.png)",
    ],
)
def test_what_a_reader_cannot_see_is_not_prose(hidden: str) -> None:
    card = parse_card(f"Seen before.\n\n{hidden}\n\nSeen after.\n")
    assert "Seen after." in card.blocks
    assert "secret" not in " ".join(card.blocks)


def test_a_hidden_element_ends_where_it_ends() -> None:
    card = parse_card("<div style='display:none'><div>inner</div>outer</div>\n\nSeen.\n")
    assert card.blocks == ["Seen."]
    assert "outer" in card.hidden


def test_a_bold_line_is_a_heading_and_a_bold_sentence_is_not() -> None:
    card = parse_card("**Training data**\n\nLetters.\n\n**It is the best of all models.**\n")
    assert [(section.title, section.blocks) for section in card.sections] == [
        ("Training data", ["Letters.", "It is the best of all models."])
    ]


def test_labels_are_found_in_lists_and_paragraphs() -> None:
    card = parse_card("- **License:** MIT\n- **Developed by**: Ada\n\nPaper: https://example.org/p\n")
    labels = card.sections[0].labels
    assert labels == [("License", "MIT"), ("Developed by", "Ada"), ("Paper", "https://example.org/p")]


def test_indented_sentences_are_prose_and_indented_code_is_code() -> None:
    prose = "    This model was tuned on letters for three\n    epochs, with batches of sixteen and no warmup at all.\n"
    card = parse_card(f"## A\n\n{prose}\n## B\n\n    x = load(a)\n    print(x)\n")
    assert card.sections[0].blocks
    assert [code.text for code in card.sections[1].codes] == ["x = load(a)\nprint(x)\n"]


def test_zero_width_characters_do_not_part_words() -> None:
    assert parse_card("hid\u200bden wor\u2060ds").blocks == ["hidden words"]


def test_code_keeps_its_language_and_is_not_prose() -> None:
    card = parse_card("Text.\n\n```Python title=x\nprint('hello')\n```\n")
    assert card.blocks == ["Text."]
    assert card.codes[0].language == "python"
