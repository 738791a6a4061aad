"""The names of kinds: such as a person would give, distinct, and plain whatever strangers write."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.atlas.naming import (
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    KindFacts,
    describe,
    name_kinds,
    named,
    plain,
    shortened,
)
from tasks.atlas.terms import Composition, TermValue, word_file
from tasks.cards.templates import templates


def some(*values: str, share: float = 0.9) -> tuple[TermValue, ...]:
    return tuple(TermValue(value, share, 5.0) for value in values)


def kind(number: int = 0, *, terms: str = "", models: int = 100, **fields: object) -> KindFacts:
    facts = KindFacts(number, texts=models, models=models, authors=40)
    weighed = tuple((word, 1.0 / n) for n, word in enumerate(terms.split(), 1))
    return replace(facts, terms=weighed, **fields)  # type: ignore[arg-type]


def name_of(facts: KindFacts) -> str:
    ((name, _),) = name_kinds([facts]).values()
    return name


SPEECH = Composition(tags=some("wav2vec2"), pipelines=some("automatic-speech-recognition"))
AGENTS = Composition(libraries=some("stable-baselines3"), pipelines=some("reinforcement-learning"))
GGUF = Composition(formats=some("gguf"), tags=some("gguf", "llama"), pipelines=some("text-generation"))
WRITING = Composition(pipelines=some("text-generation"))


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (kind(composition=SPEECH, base_model_share=0.9), "Speech recognition, wav2vec2 (fine-tuned)"),
        (kind(composition=SPEECH, languages={"de": 0.8}), "Speech recognition, wav2vec2, German"),
        (kind(composition=replace(SPEECH, tags=()), languages={"de": 0.8}), "Speech recognition, German"),
        (kind(composition=AGENTS), "Reinforcement-learning agents, stable-baselines3"),
        (
            kind(composition=AGENTS, generated={"stable_baselines3": 0.9}),
            "Reinforcement-learning agents (stable-baselines3)",
        ),
        (kind(composition=GGUF, base_model_share=1.0), "GGUF conversions, Llama"),
        (kind(composition=replace(GGUF, tags=()), terms="quants"), "GGUF conversions"),
        (kind(generated={"gguf_conversion": 1.0}, composition=GGUF), "GGUF conversions, Llama"),
        (kind(generated={"opus_mt": 0.9}, composition=WRITING), "Machine translation, OPUS-MT"),
        (kind(generated={"trainer": 0.9}, composition=SPEECH), "Speech recognition, wav2vec2 (fine-tuned)"),
        (kind(generated={"trainer": 0.9}, terms="glue"), "Trainer fine-tunes"),
        (kind(generated={"hub_default": 0.9}, composition=SPEECH, terms="x"), "Untouched Hub template"),
        (kind(composition=Composition(formats=some("adapter")), terms="lora"), "Adapters"),
        (kind(composition=WRITING, terms="storytelling novel"), "Text generation, storytelling"),
        (kind(composition=Composition(libraries=some("espnet"))), "ESPnet models"),
        (kind(composition=Composition(libraries=some("lerobot"))), "LeRobot models"),
        (kind(composition=Composition(tags=some("bert")), terms="legal"), "BERT models, legal"),
        (kind(top_author="acme", top_author_share=0.7, terms="rockets"), "Models by acme, rockets"),
        (kind(terms="protein folding sequences residues"), "Protein, folding, sequences"),
        (kind(), "Cards that say little"),
        (kind(composition=Composition(pipelines=some("brand-new_task"))), "Brand-new task"),
    ],
)
def test_a_kind_is_called_as_a_person_would_call_it(facts: KindFacts, name: str) -> None:
    assert name_of(facts) == name


def test_terms_that_say_the_same_again_are_passed_over() -> None:
    facts = kind(
        composition=replace(WRITING, pipelines=some("summarization")), terms="summarization summary news"
    )
    assert name_of(facts) == "Summarisation, news"


def test_of_similar_kinds_the_largest_has_the_short_name_and_others_a_term_more() -> None:
    facts = [kind(n, composition=SPEECH, models=100 - n, terms="common voice phonemes") for n in range(4)]
    names = name_kinds(facts)
    assert [names[n][0] for n in range(4)] == [
        "Speech recognition, wav2vec2",
        "Speech recognition, wav2vec2, common",
        "Speech recognition, wav2vec2, voice",
        "Speech recognition, wav2vec2, phonemes",
    ]


def test_names_are_distinct_and_do_not_depend_on_the_order_of_kinds() -> None:
    facts = [kind(n, composition=SPEECH, terms="voice", models=50 + n % 3) for n in range(30)]
    facts += [kind(n) for n in range(30, 40)]
    names = name_kinds(facts)
    assert len({name.casefold() for name, _ in names.values()}) == len(facts)
    assert name_kinds(random.Random(1).sample(facts, len(facts))) == names


def test_an_author_whose_name_imitates_a_number_takes_no_name_away() -> None:
    twins = [
        kind(n, top_author=author, top_author_share=1.0, models=9 - n)
        for n, author in enumerate(["x", "x (kind 2)", "x"])
    ]
    names = [name for name, _ in name_kinds(twins).values()]
    assert names == ["Models by x", "Models by x kind 2", "Models by x (kind 2)"]


def test_the_description_has_counts_and_words_and_ends_with_a_full_stop() -> None:
    text = describe(kind(composition=SPEECH, generated={"trainer": 0.5}, terms="voice phonemes", models=1234))
    assert text == (
        "1,234 texts of 1,234 models by 40 authors, 90 % of them for speech recognition, "
        "50 % with a card that nobody wrote. Telling words: voice, phonemes."
    )
    assert describe(KindFacts(0, 1, 1, 1)) == "1 text of 1 model by 1 author."


def test_cards_that_nobody_wrote_are_counted_as_forms_or_as_by_tools() -> None:
    facts = kind(generated={"hub_default": 0.3, "speechbrain": 0.2, "trainer": 0.4, "unheard_of": 0.1})
    assert facts.untouched_share == pytest.approx(0.5)
    assert facts.written_by_tool_share == pytest.approx(0.5)


def test_every_template_that_is_known_has_a_name_for_people() -> None:
    assert {template.name for template in templates()} == set(word_file()["templates"])


def test_records_are_by_kind_and_say_that_rules_gave_the_name() -> None:
    first, second = named(
        [kind(7, terms="b"), kind(3, terms="a")], date(2026, 1, 5), datetime(2026, 1, 6, tzinfo=UTC)
    )
    assert (first.kind, second.kind) == (3, 7)
    assert (first.named_by, first.reason, first.snapshot) == ("terms", None, date(2026, 1, 5))
    assert first.description.startswith("100 texts")


# ------------------------------------------------------------------------------------------------- hostile

HOSTILE = [
    "<script>alert(1)</script>",
    "[click](https://evil.example)",
    "evil.com",
    "\u202egnp.exe",
    "\x1b[31mred",
    "a\nb\r\u2028c",
    "`rm -rf`",
    "**bold** _it_ #tag",
    "{{ 7*7 }}",
    "\ud800",
    "=cmd|' /C calc'!A0",
]
shares = st.floats(0, 1)
odd = (
    st.text(max_size=300) | st.sampled_from(HOSTILE) | st.sampled_from(["wav2vec2", "gguf", "de", "trainer"])
)
values = st.lists(st.builds(TermValue, odd, shares, st.floats(0, 100)), max_size=4).map(tuple)
compositions = st.builds(Composition, values, values, values, values, values, values)
any_kind = st.builds(
    KindFacts,
    kind=st.integers(0, 10**9),
    texts=st.integers(0, 10**9),
    models=st.integers(0, 3),
    authors=st.integers(0, 10**9),
    top_author=st.none() | odd,
    top_author_share=shares,
    base_model_share=shares,
    generated=st.dictionaries(odd | st.just("hub_default"), shares, max_size=3),
    languages=st.dictionaries(odd, shares, max_size=3),
    terms=st.lists(st.tuples(odd, shares), max_size=6).map(tuple),
    composition=compositions,
)


def is_plain(text: str) -> bool:
    return not set(text) & set('<>[]{}`|*_#\\=@:/"!') and all(
        char == " " or unicodedata.category(char)[0] not in "CZ" for char in text
    )


@settings(max_examples=100)
@given(st.lists(any_kind, max_size=6, unique_by=lambda facts: facts.kind))
def test_whatever_strangers_wrote_names_are_plain_short_and_distinct(facts: list[KindFacts]) -> None:
    names = name_kinds(facts)
    assert names.keys() == {one.kind for one in facts}
    assert len({name.casefold() for name, _ in names.values()}) == len(facts)
    for name, description in names.values():
        assert 0 < len(name) <= NAME_CHARACTERS_MAX
        assert 0 < len(description) <= DESCRIPTION_CHARACTERS_MAX
        assert is_plain(name)
        assert is_plain(description.replace("Telling words:", ""))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_is_made_plain_in_name_and_description(text: str) -> None:
    facts = kind(
        terms="zebra",
        top_author=text,
        top_author_share=0.9,
        composition=Composition(pipelines=some(text), libraries=some(text)),
    )
    facts = replace(facts, terms=((text, 1.0),))
    assert is_plain(name_of(facts))
    assert is_plain(describe(facts).replace("Telling words:", ""))
    assert "evil.com" not in name_of(facts) + describe(facts)


def test_plain_text_keeps_letters_of_all_scripts_and_the_point_of_a_number() -> None:
    assert plain("Llama 3.1 – हिन्दी, café. 日本", 60) == "Llama 3.1 – हिन्दी café 日本"


@given(st.text(max_size=100), st.integers(5, 40))
def test_what_is_shortened_is_short_and_begins_alike(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) <= most
    assert text.startswith(short)


def test_text_is_cut_between_words_where_there_are_any() -> None:
    assert shortened("one two three four", 10) == "one two"
    assert shortened("abcdefghijklmn", 10) == "abcdefghij"
