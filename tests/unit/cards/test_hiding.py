"""What a reader does not see counts for nobody: not for the checklist, not for a judge model, not for the map."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.cards.hiding import hides, is_hiding_style
from tasks.cards.parse import parse_card
from tasks.cards.unseen import seen
from tasks.embedders.reading import read_card
from tasks.judges.checklist import ChecklistJudge
from tasks.judges.llm.fence import neutralise
from tasks.records import CardText, Verdict

JUDGE = ChecklistJudge()
PLAIN = (
    "---\nlicense: mit\nlanguage: en\n---\n# Ferry notices\n\nThis model sorts the notices of a harbour office into "
    "five groups, from weather to lost property. It reads one notice at a time and answers with the name of one group, "
    "which a clerk then confirms or corrects before the notice is printed.\n"
)
RICH = """## Intended use

It is meant for clerks of small harbours who sort notices by hand, and for nobody who must not be wrong.

## Training data

The training data are 9,120 notices of the Quillhaven harbour office, collected from 2009 to 2021 and labelled twice.

## Training procedure

We trained for 3 epochs with a learning rate of 2e-5 and batches of 16 on one A100 for 40 minutes.

## Evaluation

On the test set of 1,200 notices it reaches an accuracy of 0.91; the baseline by word lists reaches 0.78.

## Limitations and bias

It may not work on notices in two languages. Notices of yachts are rare in the data, so the model is biased against
them; have a person check whatever it calls lost property.
"""
SECRET = "Quillhaven harbour office"

HIDING_STYLES = [
    *("display:none", "DISPLAY : NONE !important", "color:red;visibility:hidden", "visibility:collapse"),
    *("display:block !important; display:none !important", "content-visibility:hidden"),
    *(
        "opacity:0",
        "opacity:.0",
        "opacity:0.01",
        "opacity:3%",
        "filter:opacity(0)",
        "filter:blur(2px) opacity(0%)",
    ),
    *("font-size:0", "font-size:0px", "font-size:1px", "font-size:2px", "font-size:.1em", "font-size:1%"),
    *(
        "font-size:0.05rem",
        "font-size: 2.5pt",
        "font:0/0 serif",
        "font: bold 1px/1 sans-serif",
        "font-size:1e-3px",
    ),
    *(
        "color:transparent",
        "color:rgba(0,0,0,0)",
        "color: rgb(10 10 10 / 0%)",
        "color:#0000",
        "color:#11223300",
    ),
    *("-webkit-text-fill-color:transparent", "color:hsla(120, 50%, 50%, 0.02)"),
    *(
        "color:white;background:white",
        "color:#fff; background-color:#ffffff",
        "color:#fefefe;background:white",
    ),
    *("background-color: rgb(255, 255, 255); color: white", "color:salmon;background:salmon"),
    *(
        "position:absolute;left:-9999px",
        "left:-9999px",
        "position:fixed;top:-100vh",
        "right:-999em;position:absolute",
    ),
    *("text-indent:-9999px", "text-indent:100%;white-space:nowrap;overflow:hidden", "margin-left:-9999px"),
    *(
        "margin:0 0 0 -5000px",
        "transform:translateX(-9999px)",
        "transform: translate(-200vw, 0)",
        "left:10000px",
    ),
    *("inset:-9999px auto auto -9999px;position:absolute", "translate:-9999px 0"),
    *("height:0", "height:0px;overflow:hidden", "max-height:0;overflow:hidden", "width:0;overflow:clip"),
    *("position:absolute;width:1px;height:1px;overflow:hidden", "overflow:hidden;height:0;padding:0"),
    *("clip:rect(0,0,0,0)", "clip: rect(1px, 1px, 1px, 1px)", "clip-path:inset(50%)", "clip-path:circle(0)"),
    *(
        "clip-path: polygon(0 0, 0 0, 0 0)",
        "transform:scale(0)",
        "transform: rotate(3deg) scale(.01)",
        "scale:0",
    ),
    *("zoom:0.01", "dis/* a note */play:no\\6e e", "background:url('a;b.png');display:none"),
]
VISIBLE_STYLES = [
    *(
        "display:block",
        "display:none;display:block",
        "display:block!important;display:none",
        "visibility:visible",
    ),
    *("opacity:0.5", "opacity:inherit", "opacity:1", "filter:blur(1px)", "filter:opacity(50%)"),
    *(
        "font-size:12px",
        "font-size:0.8em",
        "font-size:x-large",
        "font-size:100%",
        "font-size:xx-small",
        "font-size:6px",
    ),
    *("font:12px/1.5 serif", "font: italic bold .8em/1.2 serif", "font-weight:400"),
    *(
        "color:white",
        "color:#fff",
        "color:#e25555",
        "color:red;background:white",
        "color:inherit;background:inherit",
    ),
    *("background-color:transparent", "color:black;background-color:rgba(0,0,0,0)"),
    *("background:linear-gradient(90deg,#f00,#00f);-webkit-background-clip:text;color:transparent",),
    *("background-clip:text;background-image:url(x.png);-webkit-text-fill-color:transparent",),
    *("color:transparent;text-shadow:0 0 4px #000", "color:white;background:white url(photo.jpg)"),
    *(
        "margin-left:-10px",
        "margin-top:-120px",
        "left:50%;margin-left:-450px",
        "margin:0 auto",
        "text-indent:-2em",
    ),
    *(
        "position:absolute;left:-20px",
        "transform:translate(-50%,-50%)",
        "left:100%;transform:translateX(-100%)",
    ),
    *(
        "width:0.5em",
        "width:0",
        "min-height:0",
        "height:auto",
        "height:100px;overflow:hidden",
        "line-height:0",
    ),
    *("position:relative;padding-bottom:56.25%;height:0", "height:0;min-height:4em", "max-width:100%"),
    *(
        "clip-path:inset(5%)",
        "clip-path:circle(40%)",
        "clip:rect(0,100px,200px,0)",
        "transform:scale(-1)",
        "scale:1",
    ),
    *("zoom:1", "", "nonsense", "display", ":none", ";;;", "float:right;border:0"),
    *("background:url(display:none)", "content:'display:none'"),
]
HIDING_TAGS = [
    *(
        "div hidden",
        "section HIDDEN",
        'div hidden="until-found"',
        'div class="hidden"',
        'div class="a sr-only"',
    ),
    *(
        "template",
        "noscript",
        'div title=">" style="display:none"',
        'div title="<x> y" hidden',
        "div\n  hidden",
    ),
    *(
        "div style=display:none",
        "div style='display:none' style='display:block'",
        'div style="displa&#121;:none"',
    ),
]
VISIBLE_TAGS = [
    *("div", "details", "details open", 'div aria-hidden="true"', "center", 'div align="center"'),
    *(
        'div title="a hidden layer"',
        'div data-style="display:none"',
        'div id="hidden"',
        'div class="hidden-gem"',
    ),
    *('div class="hidden dark:block"', "div style='display:block' style='display:none'"),
]


def wrapped(tag: str, content: str = RICH) -> str:
    return f"{PLAIN}\n<{tag}>\n\n{content}\n</{tag.split()[0]}>\n"


def verdict_of(text: str) -> Verdict:
    (verdict,) = JUDGE.score([CardText("0" * 64, text)])
    return verdict


def passages_of(text: str) -> str:
    reading = read_card(text)
    return "\n".join(reading.sections) if reading else ""


def score_of(text: str) -> float:
    score = verdict_of(text).score
    assert score is not None
    return score


def style_tag(style: str) -> str:
    return f'div style="{style}"'


@pytest.mark.parametrize("tag", [*map(style_tag, HIDING_STYLES), *HIDING_TAGS])
def test_what_is_hidden_is_hidden_from_all_three(tag: str) -> None:
    text = wrapped(tag)
    verdict, neutral = verdict_of(text), neutralise(text)
    assert verdict.passed == verdict_of(PLAIN).passed
    assert "hidden_text" in verdict.flags
    assert SECRET not in neutral.text
    assert "hidden_text" in neutral.flags
    assert passages_of(text) == passages_of(PLAIN)


@pytest.mark.parametrize("tag", [*map(style_tag, VISIBLE_STYLES), *VISIBLE_TAGS])
def test_what_is_visible_is_visible_to_all_three(tag: str) -> None:
    text = wrapped(tag)
    verdict, neutral = verdict_of(text), neutralise(text)
    assert verdict.passed == verdict_of(f"{PLAIN}\n{RICH}").passed
    assert "hidden_text" not in verdict.flags
    assert SECRET in neutral.text
    assert "hidden_text" not in neutral.flags
    assert SECRET in passages_of(text)


def test_the_words_that_are_hidden_would_raise_the_score_by_a_point() -> None:
    assert score_of(f"{PLAIN}\n{RICH}") > score_of(PLAIN) + 1


@pytest.mark.parametrize(
    "tag",
    ['font color="white"', "sub", "sup", "small", 'font size="1"', "u", "em"],
)
def test_small_and_pale_words_are_seen(tag: str) -> None:
    text = f"{PLAIN}\n<{tag}><{tag}>Sorted at the {SECRET}.</{tag.split()[0]}></{tag.split()[0]}>\n"
    assert SECRET in " ".join(parse_card(text).blocks)
    assert SECRET in neutralise(text).text


@pytest.mark.parametrize("style", HIDING_STYLES)
def test_headings_links_images_lists_and_tables_that_are_hidden_do_not_count(style: str) -> None:
    content = (
        "<h2>Training data</h2>\n\n## Evaluation\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "[paper](https://example.org/p) ![chart](chart.png)\n\n```python\nimport ferry\n```\n"
    )
    card = parse_card(wrapped(style_tag(style), content))
    assert [section.title for section in card.headings] == ["Ferry notices"]
    assert [*card.links, *card.images, *card.tables, *card.codes] == []
    assert not any(section.list_items for section in card.sections)


def test_hidden_words_of_a_script_without_blanks_raise_the_flag() -> None:
    hidden = "这个模型的训练数据是九千条港口通知，由两名职员分别标注。"
    assert "hidden_text" in verdict_of(f"{PLAIN}\n<p hidden>{hidden}</p>\n").flags


def test_a_hidden_piece_within_html_leaves_the_markup_around_it_as_it_was() -> None:
    html = (
        '<div>\n  <div>\n    {}\n  </div>\n    <div style="font-size:16px">Port of Quillhaven</div>\n</div>\n'
    )
    card = parse_card(html.format('<i style="display:none">\n      x\n    </i>'))
    assert [section.blocks for section in card.sections] == [["Port of Quillhaven"]]
    assert not card.codes


def test_a_comment_that_a_blank_line_divides_is_a_comment_to_all_three() -> None:
    text = f"{PLAIN}\n<div>\n<!-- first\n\n{RICH}\n-->\n</div>\n"
    assert score_of(text) <= score_of(PLAIN)
    assert "hidden_comment" in verdict_of(text).flags
    assert SECRET not in neutralise(text).text
    assert passages_of(text) == passages_of(PLAIN)


def test_markup_in_code_hides_nothing() -> None:
    text = f"{PLAIN}\n```html\n<div style='display:none'>\n```\n\n`<p hidden>`\n\n{RICH}"
    assert SECRET in passages_of(text)
    assert score_of(text) > score_of(PLAIN)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*map(style_tag, HIDING_STYLES), *HIDING_TAGS]),
    st.lists(st.sampled_from(RICH.split("\n\n")) | st.text("abc <>*#`|-\n", max_size=30), max_size=8),
)
def test_hidden_text_never_raises_a_score(tag: str, pieces: list[str]) -> None:
    content = "\n\n".join(pieces).replace("<", "‹")  # an end tag within would end the hiding
    assert score_of(wrapped(tag, content)) <= score_of(PLAIN)


@given(st.text(max_size=60))
def test_any_attributes_and_any_style_have_an_answer(text: str) -> None:
    assert isinstance(hides(f' style="{text}" {text}'), bool)
    assert isinstance(is_hiding_style(text), bool)


@pytest.mark.parametrize(
    "fragment",
    [
        "<p style='{n}:(((' ",
        "<p style='a:b;{n}'>",
        "<p style='color:rgb({n}'>",
        "<p style='" + "margin:-1px " * 300 + "{n}'>x</p>",
        "<p style='" + "clip-path:polygon(0 0," * 150 + "{n}'>x</p>",
        "<p style='" + "transform:scale(2) " * 180 + "{n}'>x</p>",
        "<p style='" + "/*" * 1_900 + "{n}'>x</p>",
        "<p style='" + "\\6" * 1_900 + "{n}'>x</p>",
        "<b {n}" + " a" * 1_900 + " hidden>x</b>",
        "<b {n}" + "='" * 1_900 + ">x</b>",
        "<{n} ' hidde",
        '<{n}"hidde',
        "hidden style= ",
        "<div hidden><p>{n}</p></div>",
        "<!-- {n} --",
        "<style>{n}</style>\n\n",
    ],
    ids=lambda fragment: repr(fragment[:20]),
)
@pytest.mark.timeout(30)
def test_a_monster_is_searched_in_bounded_time(fragment: str) -> None:
    """The slowest takes a second; one that is quadratic would take minutes. By its number each style is new."""
    n = 400_000 // len(fragment)
    text = "".join(fragment.replace("{n}", str(number)) for number in range(n))
    assert len(seen(text).text) <= len(text)
    assert len(parse_card(text).body) <= len(text)
