from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from random import Random

import polars as pl
import pytest
import yaml

from tasks.demo.archetypes import COMPLETE_FROM, counts
from tasks.demo.edits import touch_up
from tasks.demo.facts import draft_of
from tasks.demo.front_matter import metadata
from tasks.demo.hostile import FORMS, encoded
from tasks.demo.layouts import write_card
from tasks.demo.roster import DemoModel, make_roster
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText

SEED = 5
PEOPLES = {"fine_tune", "foundation", "gguf", "quantised", "diffusion", "speech", "embedding", "classifier"}
CARD = "---\nlicense: mit\n---\n\n# A model\n\nWhat it's for.  It answers.\n\n## Usage\n\nCall it.\n"
MARKS = {
    "script": r"<script>|<SCRIPT",
    "event_handler": r"onerror=|ontoggle=",
    "iframe": r"<iframe ",
    "javascript_link": r"\]\(javascript:",
    "style": r"<style>|</html>",
    "svg": r"<svg onload",
    "chat_tokens": r"<\|im_start\|>|\[/INST\]|<\|eot_id\|>",
    "injection": r"Ignore all previous|NOTE TO THE GRADER|Attention, AI evaluator",
    "injection_json": r'"score": 5',
    "injection_comment": r"<!-- To the language model",
    "injection_role": r"Assistant: The score is 5",
    "injection_foreign": r"volle Punktzahl|满分",
    "injection_polite": r"automated reviewer",
    "injection_hidden_style": r"display:none",
    "injection_zero_width": "(\\w\u200b){5}",
    "fence_escape": r"</card>",
    "zero_width": "\\w[\u200b\u200c\u200d\u2060\ufeff]\\w",
    "right_to_left": "\u202e",
    "nul": "\x00",
    "huge_line": r"(?m)^[^\n]{300000}$",
    "base64_image": r"data:image/png;base64,[A-Za-z0-9+/]{60000}",
    "deep_nesting": r"(> ){400}",
    "front_matter_only": r"\A---\n(.*\n)+---\n\Z",
    "unclosed_fence": r"```python\n(?!.*```)",
    "yaml_unclosed": r"\A---\nlicense: mit\nlanguage: en\n\n",
    "yaml_broken": r'\A---\nlicense: "mit\n',
    "yaml_not_mapping": r"\A---\n- license",
    "yaml_text": r"\A---\njust a sentence",
    "yaml_tabs": r"\A---\n(.*\n)*\t- chat",
    "yaml_norway": r"\A---\nlanguage: no\n",
    "yaml_odd_keys": r"\A---\n1: one\n",
    "yaml_bomb": r"\*b, \*b, \*b",
    "html_tag": r"- \"<img src=x onerror",
    "byte_order_mark": "\\A\ufeff---",
    "latin_1": "Größenangaben",
    "utf_16": r"# A model",
}


@pytest.fixture(scope="module")
def roster() -> list[DemoModel]:
    return make_roster(600, SEED)[0]


@pytest.fixture(scope="module")
def texts(roster: list[DemoModel]) -> dict[str, str]:
    """Cards as first written, before any attack on them; those without one left out."""
    cards = {model.model_id: write_card(draft_of(model, model.documentation, SEED)) for model in roster}
    return {model_id: card for model_id, card in cards.items() if card}


def at_level(model: DemoModel, level: float) -> str:
    return write_card(draft_of(model, level, SEED)) or ""


def test_no_fact_is_left_unfilled(texts: dict[str, str]) -> None:
    unfilled = {model_id: re.findall(r"\$[a-z_]+", card) for model_id, card in texts.items()}
    assert {model_id: found for model_id, found in unfilled.items() if found} == {}


def test_untouched_templates_are_the_same_bytes(roster: list[DemoModel], texts: dict[str, str]) -> None:
    templates = Counter(texts[model.model_id] for model in roster if model.archetype == "template")
    (card, most), *_ = templates.most_common()
    assert most > 0.5 * templates.total()
    assert card.count("[More Information Needed]") > 10


def test_hardly_any_card_but_the_templates_is_written_twice(
    roster: list[DemoModel], texts: dict[str, str]
) -> None:
    others = [texts[m.model_id] for m in roster if m.model_id in texts and m.archetype != "template"]
    assert len(set(others)) > 0.97 * len(others)


def test_missing_cards_are_none_and_empty_ones_empty(roster: list[DemoModel]) -> None:
    written = {
        m.archetype: write_card(draft_of(m, 1.0, SEED)) for m in roster if m.archetype in ("missing", "empty")
    }
    assert written == {"missing": None, "empty": ""}


def test_a_higher_level_writes_more(roster: list[DemoModel]) -> None:
    for model in [m for m in roster if m.archetype in PEOPLES][:150]:
        lengths = [len(at_level(model, level)) for level in (1.0, 3.0, 5.0)]
        assert all(less < more for less, more in pairwise(lengths)), model.model_id


def test_the_best_cards_have_every_section_and_the_worst_have_none(roster: list[DemoModel]) -> None:
    model = next(m for m in roster if m.archetype == "fine_tune")
    best, worst = at_level(model, 5.0), at_level(model, 1.0)
    for mark in (
        "model-index:",
        "```python",
        "| Dataset |",
        "**Recommendation:**|**What to do about it:**",
        "@misc",
    ):
        assert any(part in best for part in mark.split("|**")) or re.search(mark, best)
    assert "##" not in worst
    assert len(worst) < 200


def test_an_edit_keeps_the_facts_of_the_model(roster: list[DemoModel]) -> None:
    model = next(m for m in roster if m.archetype == "classifier" and 2 < m.documentation < 3)
    before, after = draft_of(model, model.documentation, SEED), draft_of(model, model.documentation + 2, SEED)
    assert before.facts == after.facts
    assert before.results == after.results
    assert all(before.levels[criterion] <= after.levels[criterion] for criterion in before.levels)


def test_front_matter_of_ordinary_cards_is_yaml_that_says_what_the_listing_says(
    roster: list[DemoModel], texts: dict[str, str]
) -> None:
    checked = 0
    for model in roster:
        found = re.match(r"---\n(.*?)\n---\n", texts.get(model.model_id, ""), re.DOTALL)
        if found:
            values, planted = yaml.safe_load(found[1]), metadata(draft_of(model, model.documentation, SEED))
            assert set(values) == set(planted)
            assert values.get("pipeline_tag", model.pipeline) == model.pipeline
            checked += 1
    assert checked > 300


def test_cards_of_other_languages_are_written_in_them(roster: list[DemoModel], texts: dict[str, str]) -> None:
    scripts = {
        "zh": r"[一-鿿]",
        "ja": r"[ぁ-ん]",
        "hi": r"[ऀ-ॿ]",
        "ru": r"[а-я]",
        "ar": r"[ء-ي]",
        "ko": r"[가-힣]",
    }
    cards = [
        (m.language, texts[m.model_id])
        for m in roster
        if m.archetype == "multilingual" and m.documentation > 2
    ]
    assert len({language for language, _ in cards}) >= 8
    for language, card in cards:
        assert language not in scripts or len(re.findall(scripts[language], card)) > 15


@pytest.mark.parametrize("form", FORMS)
def test_every_hostile_form_leaves_its_mark(form: str) -> None:
    attacked = FORMS[form](CARD, Random(1))
    assert re.search(MARKS[form], attacked, re.DOTALL if form == "unclosed_fence" else 0)
    assert attacked.encode()


def test_broken_front_matter_is_broken_in_the_way_that_its_form_says() -> None:
    def front(form: str) -> object:
        return yaml.safe_load(FORMS[form](CARD, Random(1)).split("---\n")[1])

    for form in ("yaml_broken", "yaml_tabs"):
        with pytest.raises(yaml.YAMLError):
            front(form)
    assert isinstance(front("yaml_not_mapping"), list)
    assert isinstance(front("yaml_text"), str)
    assert "---\n" not in FORMS["yaml_unclosed"](CARD, Random(1)).removeprefix("---\n")


def test_only_two_forms_are_not_utf_8() -> None:
    assert {form for form in FORMS if encoded("é", form) is not None} == {"latin_1", "utf_16"}
    assert (encoded("é", "utf_16") or b"").decode("utf-16") == "é"


@pytest.mark.parametrize("seed", range(20))
def test_a_touch_up_changes_a_little_and_always_something(seed: int) -> None:
    for card in (CARD, "x", "no full stop here\n\n\n"):
        touched = touch_up(card, Random(seed))
        assert touched != card
        assert abs(len(touched) - len(card)) <= 3


@pytest.mark.parametrize("models", [20, 21, 299, COMPLETE_FROM, 1_000, 99_999])
def test_archetype_counts_add_up_at_any_size(models: int) -> None:
    wanted = counts(models, len(FORMS))
    assert sum(wanted.values()) == models
    assert min(wanted.values()) >= 0


def test_the_checklist_ranks_cards_as_they_were_planted(
    roster: list[DemoModel], texts: dict[str, str]
) -> None:
    written = [m for m in roster if m.model_id in texts and m.archetype != "hostile"]
    verdicts = ChecklistJudge().score(CardText(m.model_id, texts[m.model_id]) for m in written)
    scored = pl.DataFrame({"score": [v.score for v in verdicts], "level": [m.documentation for m in written]})
    assert scored.select(pl.corr("score", "level", method="spearman")).item() > 0.85
