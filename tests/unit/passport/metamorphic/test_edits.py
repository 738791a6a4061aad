"""One thing changed: what was taken is gone, what was put in is there, and all else is as it was."""

from __future__ import annotations

from random import Random

import pytest

from tasks.cards.front_matter import split_front_matter
from tasks.judges.checklist import ChecklistJudge
from tasks.passport.metamorphic.edits import CardEdit, checks_of
from tasks.passport.metamorphic.pieces import cut
from tasks.passport.metamorphic.putting import (
    Place,
    Put,
    metadata_puts,
    placeholder_put,
    puts,
    restyled,
    reworded,
    shuffled,
    translated,
)
from tasks.passport.metamorphic.taking import takings, without_keys
from tasks.passport.metamorphic.trials import ALIKE, PADDING, TrialMaker, trials_of
from tasks.passport.metamorphic.written import topics
from tasks.records import CardText

CARD = """---
license: mit
language:
- en
- de
tags:
- text-classification
datasets: [imdb]
model-index:
- name: x
  results: []
---

# Tidewords

This model sorts [messages](https://example.org) by mood. It was trained in 2021.

## Use

```python
pipeline("x", model="a/b")
```

- first item
- second item

## Results

Nothing to say here. It reaches 91.2 F1 on SST-2.

| Set | F1 |
|---|---|
| SST-2 | 91.2 |

## Limits

It fails on irony.
"""


def taken(name: str, text: str = CARD) -> CardEdit:
    return {edit.name: edit for edit in takings(cut(text))}[name]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("license", "license"),
        ("language", "language"),
        ("task and library", "tags"),
        ("base model and data sets", "datasets"),
    ],
)
def test_a_key_is_taken_with_all_that_it_holds_and_no_other(name: str, key: str) -> None:
    edit = taken(f"without {name}")
    (before, body), (after, same) = split_front_matter(CARD), split_front_matter(edit.text)
    assert after.metadata == {k: v for k, v in before.metadata.items() if k != key}
    assert same == body
    assert len(edit.falls) == 1


def test_a_key_in_quotes_goes_and_one_that_only_begins_so_stays() -> None:
    front = '---\n"license": mit\nlicense_name: x\n---\n'
    assert without_keys(front, "license") == "---\nlicense_name: x\n---\n"


def test_no_key_is_taken_from_front_matter_that_cannot_be_read() -> None:
    names = {edit.name for edit in takings(cut(f"---\nlicense: [mit\n---\n{CARD.split('---')[2]}"))}
    assert not [name for name in names if "license" in name]


def test_code_and_links_are_gone_and_words_stay() -> None:
    text = taken("without code and links").text
    assert "pipeline(" not in text
    assert "example.org" not in text
    assert "This model sorts messages by mood." in text


def test_without_numbers_no_digit_is_left_in_the_body() -> None:
    text = taken("without numbers").text
    assert not any(map(str.isdigit, split_front_matter(text)[1]))
    assert "Nothing to say here." in text
    assert "model-index" not in text


def test_headings_alone_keep_every_heading_and_nothing_beneath() -> None:
    edit = taken("headings alone")
    assert split_front_matter(edit.text)[1].split("\n\n") == [
        *("\n# Tidewords", "## Use", "## Results", "## Limits\n"),
    ]
    assert {"limitations_stated", "has_snippet", "intended_use"} <= edit.falls
    assert not edit.falls & checks_of("metadata")


def test_a_long_card_becomes_one_paragraph() -> None:
    long = CARD + "\n".join(f"\n## Part {n}\n\n{'a word or two about it ' * 20}" for n in range(5))
    body = split_front_matter(taken("in one paragraph", long).text)[1]
    assert body.count("#") == 1
    assert "first item - second" not in body
    assert len(max(body.split("\n\n"), key=len).split()) > 350


def test_only_a_card_with_something_to_take_loses_it() -> None:
    assert [edit.name for edit in takings(cut("Just words."))] == []


# ------------------------------------------------------------------------------------------------------- putting


def test_topics_speak_of_checks_that_exist_and_every_check_of_the_body_rises_by_some() -> None:
    known = checks_of()
    rising: set[str] = set()
    for topic in topics():
        assert topic.rises | topic.may <= known
        assert not topic.rises & topic.may
        rising |= topic.rises
    # Sections, readable portions and placeholders are tried by what is taken away and by placeholders put in.
    whole = {"has_sections", "covers_sections", "is_readable", "no_placeholders"}
    assert checks_of() - checks_of("metadata") - whole == rising


def test_topics_are_written_in_several_wordings_and_languages() -> None:
    languages = {wording.language for topic in topics() for wording in topic.translated}
    assert len(languages) >= 6
    assert all(len(topic.wordings) + len(topic.translated) >= 4 for topic in topics() if topic.rises)


PLACES: tuple[Place, ...] = ("end", "middle", "opening")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_put_in_is_there_once_and_the_rest_is_unchanged(place: Place) -> None:
    topic = next(topic for topic in topics() if topic.name == "limitations")
    heading = "" if place == "opening" else "Where it fails"
    edit = Put(topic, topic.wordings[0], heading, place).edit(cut(CARD))
    assert edit.text.count(topic.wordings[0].text) == 1
    put = f"{'## ' + heading if heading else ''}\n\n{topic.wordings[0].text}".strip()
    left = edit.text.replace(put, "")
    assert [line for line in left.split("\n") if line] == [line for line in CARD.split("\n") if line]


def test_a_paragraph_in_the_opening_may_count_as_description_and_a_section_may_not() -> None:
    topic = next(topic for topic in topics() if topic.name == "hardware")
    bare = Put(topic, topic.wordings[0], "", "opening").edit(cut(CARD))
    headed = Put(topic, topic.wordings[0], "Hardware", "end").edit(cut(CARD))
    assert "states_what_it_is" in bare.may
    assert "states_what_it_is" not in headed.may


def test_metadata_are_put_in_where_they_lack_and_only_there() -> None:
    names = {edit.name for edit in metadata_puts(cut(CARD), Random(1))}
    assert names == {"task in metadata", "value that the Hub refuses"}
    bare = {edit.name: edit for edit in metadata_puts(cut("# T\n\nWords.\n"), Random(1))}
    assert {"license in metadata", "whole metadata"} <= bare.keys()
    for edit in bare.values():
        assert not split_front_matter(edit.text)[0].error
    assert set(passed(bare["whole metadata"].text)) >= checks_of("metadata")


def test_a_placeholder_moves_the_check_on_placeholders_alone() -> None:
    for seed in range(12):
        edit = placeholder_put(cut(CARD), Random(seed))
        assert edit.falls == {"no_placeholders"}
        assert set(passed(CARD)) ^ set(passed(edit.text)) == {"no_placeholders"}


def passed(text: str) -> list[str]:
    return next(iter(ChecklistJudge().score([CardText("h", text)]))).passed


# ------------------------------------------------------------------------------------------- of the same meaning


def test_shuffling_moves_whole_sections_and_keeps_the_opening_first() -> None:
    edit = shuffled(cut(CARD), Random(2))
    assert edit is not None
    assert edit.text != CARD
    assert sorted(filter(None, edit.text.split("\n"))) == sorted(filter(None, CARD.split("\n")))
    assert edit.text.index("sorts [messages]") < min(
        edit.text.index(f"## {title}") for title in ("Use", "Limits")
    )
    assert edit.text.index("It fails on irony") > edit.text.index("## Limits")


def test_restyling_changes_headings_but_the_title_and_nothing_else() -> None:
    edit = restyled(cut(CARD), Random(1))
    assert edit is not None
    changed = set(edit.text.split("\n")) ^ set(CARD.split("\n"))
    assert all(line.startswith("## ") for line in changed)
    assert len(changed) == 6


def test_pairs_of_the_same_meaning_differ_in_heading_or_in_language() -> None:
    written = puts(cut(CARD), Random(3))
    others = [(put, other) for put in written if (other := reworded(put, Random(3)))]
    assert others
    assert all(put.heading != other.heading and put.wording == other.wording for put, other in others)
    for first, second in filter(None, (translated(put, Random(3)) for put in written)):
        assert (first.wording.language, first.place) == ("en", second.place)
        assert second.wording in second.topic.translated


def test_trials_of_a_card_are_the_same_for_the_same_seed_and_name_texts_that_are_there() -> None:
    card = CardText("real", CARD)
    trials, texts = trials_of(card, seed=1)
    assert (trials, texts) == trials_of(card, seed=1)
    assert trials != trials_of(card, seed=2)[0]
    hashes = {text.card_hash for text in texts}
    assert {key for trial in trials for key in (trial.before, trial.after)} <= hashes
    assert {PADDING, *ALIKE} <= {trial.name for trial in trials}
    assert all(trial.before != trial.after for trial in trials)


def test_no_text_is_judged_twice() -> None:
    maker = TrialMaker([CardText("a", CARD), CardText("b", CARD.replace("irony", "satire"))], seed=1)
    hashes = [text.card_hash for text in maker.texts()]
    assert len(hashes) == len(set(hashes))
    assert {trial.card for trial in maker.trials} == {"a", "b"}
