"""What sets a kind of card apart: its words, and the tags, libraries and so on of its models."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.atlas import terms
from tasks.atlas.terms import (
    WORDS_A_CARD_MAX,
    CompositionCounts,
    TermCounts,
    languages_of,
    stop_words,
    telling_words,
)


def test_words_are_those_of_headings_and_paragraphs_each_once_and_in_order() -> None:
    text = "---\ntags: [hidden]\n---\n# Speech Recognition\n\nGerman speech, transcribed.\n\n- punctuation restored"
    assert telling_words(text) == [
        "speech",
        "recognition",
        "german",
        "transcribed",
        "punctuation",
        "restored",
    ]


@pytest.mark.parametrize(
    "left_out",
    [
        "```python\nsecretword = 1\n```",
        "https://secretword.example/secretword",
        "secretword/secretword-base",
        "secretword@example.com",
        "secretword_and_more",
        "<!-- secretword -->",
        "| secretword | b |\n|---|---|\n| secretword | 2 |",
        "deadbeef01",
        "20240131",
        "a1b2c3d4e5",
        "ab",
        "the model was trained on this dataset",
        "x" * 31,
    ],
)
def test_code_addresses_names_hashes_numbers_and_stop_words_are_left_out(left_out: str) -> None:
    assert telling_words(f"Zebra.\n\n{left_out}\n\nGiraffe.") == ["zebra", "giraffe"]


def test_names_of_models_that_end_in_a_digit_are_words() -> None:
    assert telling_words("Wav2Vec2 and GPT2") == ["wav2vec2", "gpt2"]


def test_scripts_without_blanks_are_cut_into_pairs_and_their_grammar_is_left_out() -> None:
    assert telling_words("音声認識です") == ["音声", "声認", "認識", "識で"]


def test_words_of_scripts_with_signs_and_syllables_stay_whole() -> None:
    assert telling_words("हिन्दी 한국어 음성 العربية") == ["हिन्दी", "한국어", "음성", "العربية"]


def test_stop_words_are_written_as_words_are_looked_up() -> None:
    assert all(word == word.lower() and len(word.split()) == 1 for word in stop_words())
    assert {"the", "model", "huggingface", "模型"} <= stop_words()


@given(st.text(max_size=300))
def test_any_text_gives_distinct_short_words(text: str) -> None:
    words = telling_words(text)
    assert len(words) == len(set(words))
    assert all(0 < len(word) <= 30 and not set(word) & set("<>`*_/ \n\x00\u202e\u200b") for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "漢" * 400_000,
        "a@" * 200_000,
        "a/" * 200_000,
        "a_" * 200_000,
        "`" * 400_000,
        "<" * 400_000,
        "x" * 400_000,
        " ".join(
            f"zz{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)}q" for n in range(66_000)
        ),
    ],
    ids=["runs", "addresses", "paths", "snakes", "ticks", "tags", "letters", "words"],
)
def test_a_card_of_400_000_characters_gives_a_bounded_number_of_words(text: str) -> None:
    assert len(telling_words(text)) <= WORDS_A_CARD_MAX


# ------------------------------------------------------------------------------------------------- counts


def counted(*cards: tuple[int, str]) -> TermCounts:
    counts = TermCounts()
    for kind, words in cards:
        counts.count(kind, words.split())
    return counts


def test_the_weight_of_a_term_is_that_of_class_based_tf_idf() -> None:
    counts = counted((0, "zebra stripe"), (0, "zebra horse"), (1, "horse hoof hay"), (1, "hay"))
    mean = (4 + 4) / 2
    found = counts.top_terms(0, 9)
    assert [word for word, _ in found] == ["zebra", "stripe", "horse"]
    assert [weight for _, weight in found] == pytest.approx(
        [2 / 4 * math.log(1 + mean / 2), 1 / 4 * math.log(1 + mean / 1), 1 / 4 * math.log(1 + mean / 2)]
    )
    assert [word for word, _ in counts.top_terms(1, 1)] == ["hay"]


def test_a_word_counts_once_per_card_however_often_it_occurs() -> None:
    counts = counted((0, "spam " * 500 + "zebra"), (0, "zebra"), (1, "horse"))
    assert [word for word, _ in counts.top_terms(0, 2)] == ["zebra", "spam"]


def test_an_authors_many_cards_that_are_weighed_down_do_not_name_a_kind() -> None:
    light, heavy = TermCounts(), TermCounts()
    for counts, weight in ((light, 1 / 400), (heavy, 1.0)):
        for _ in range(400):
            counts.count(0, ["mine"], weight)
        for _ in range(10):
            counts.count(0, ["zebra"])
        counts.count(1, ["horse"])
    assert light.top_terms(0, 1)[0][0] == "zebra"
    assert heavy.top_terms(0, 1)[0][0] == "mine"


def test_a_term_of_few_of_a_kinds_cards_is_left_out() -> None:
    counts = counted(*[(0, "zebra")] * 30, (0, "zebra oddity"), (1, "zebra"))
    assert [word for word, _ in counts.top_terms(0, 9)] == ["zebra"]


def test_a_kind_that_was_never_counted_has_no_terms() -> None:
    assert TermCounts().top_terms(3, 5) == []
    assert counted((0, "")).top_terms(0, 5) == []


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan])
def test_a_card_without_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        TermCounts().count(0, ["zebra"], weight)


@given(st.integers(2, 60))
def test_tables_are_bounded_and_common_words_survive_the_pruning(bound: int) -> None:
    counts = TermCounts(entries_max=bound)
    for n in range(400):
        counts.count(0, ["zebra", f"rare{n}"])
        assert counts._counts.entries <= bound
        assert counts._counts.entries == len(counts._counts.overall) + len(counts._counts.within[0])
    if bound >= 20:
        assert counts._counts.within[0]["zebra"] >= 0.9 * 400
        assert counts.top_terms(0, 5)[0][0] == "zebra"


def test_a_pruned_count_is_too_low_by_at_most_the_floor() -> None:
    counts = terms._Counts(10)
    for n in range(100):
        counts.add(0, ["zebra"] if n % 3 == 0 else [f"rare{n}"], 1.0)
    assert counts.overall["zebra"] <= 34 <= counts.overall["zebra"] + counts.floor
    assert counts.floor > 0
    assert counts.total[0] == 100


# ------------------------------------------------------------------------------------------- composition


def herd() -> CompositionCounts:
    counts = CompositionCounts()
    for n in range(10):
        counts.count(
            0, tags=["gguf", "en"], libraries="gguf", authors=f"a{n % 2}", formats="gguf", pipelines="x"
        )
    for n in range(30):
        counts.count(
            1,
            tags=["de", "all"],
            libraries="transformers",
            authors=f"b{n}",
            formats="weights",
            pipelines="x",
        )
    return counts


def test_a_value_has_its_share_of_the_kind_and_its_lift_over_all() -> None:
    found = herd().composition(0)
    assert [(v.value, v.share, v.lift) for v in found.formats] == [("gguf", 1.0, 4.0)]
    assert [(v.value, v.share, v.lift) for v in found.authors] == [("a0", 0.5, 4.0), ("a1", 0.5, 4.0)]
    assert [(v.value, v.lift) for v in found.languages] == [("en", 4.0)]
    assert [(v.value, v.lift) for v in found.pipelines] == [("x", 1.0)]


def test_values_that_few_models_of_a_kind_have_do_not_describe_it() -> None:
    assert herd().composition(1).authors == ()
    assert herd().composition(9).tags == ()


def test_of_several_values_the_more_telling_comes_first_and_n_is_the_most_there_are() -> None:
    counts = CompositionCounts()
    counts.count(0, tags=["rare", "common"])
    counts.count(1, tags=["common"])
    assert [v.value for v in counts.composition(0).tags] == ["rare", "common"]
    assert [v.value for v in counts.composition(0, 1).tags] == ["rare"]


def test_languages_are_the_codes_among_the_tags() -> None:
    assert languages_of(["de", "pytorch", "de", "zz", "fr"]) == ["de", "fr"]


@given(st.lists(st.text(max_size=200), max_size=300))
def test_any_tags_are_counted_within_bounds(tags: list[str]) -> None:
    counts = CompositionCounts()
    counts.count(0, tags=tags, libraries="".join(tags) or None, authors="".join(tags))
    found = counts.composition(0, 500)
    assert len(found.tags) <= terms.VALUES_A_MODEL_MAX
    assert all(len(v.value) <= 80 and v.share == v.lift == 1 for v in (*found.tags, *found.authors))
