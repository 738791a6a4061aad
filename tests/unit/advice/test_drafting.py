"""Drafts: only insertions, every fact with its source, questions for all else, and nothing twice."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from flows.cli.app import app
from flows.cli.card import draft_lines
from tasks.advice.drafting import CardDraft, DraftGain, drafted, gain
from tasks.advice.layout import title_in
from tasks.advice.rule import Reading, read
from tasks.advice.rules import look
from tasks.advice.subject import Subject
from tasks.advice.values import plain, plain_number, plain_text, repository
from tasks.advice.wording import wording
from tasks.cards import vocabulary
from tasks.cards.taxonomy import sections_named
from tasks.errors import UsageError
from tasks.judges.checklist import ChecklistJudge
from tasks.rubric import load_rubric

CARD = """---
license: mit
---
# Heron

Tells the calls of herons apart, for wardens of marshes who count birds at night.

## Evaluation

The wardens of two marshes listened to it for a year and were content with what they heard.

## Citation

Ask the wardens for their paper.
"""
CONFIG = {
    "architectures": ["BertForMaskedLM"],
    "model_type": "bert",
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "transformers_version": "4.40.0",
}
ADAPTER = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 16,
    "lora_alpha": 32,
    "base_model_name_or_path": "heron/base",
}


def reading_of(
    text: str,
    documents: dict[str, Any] | None = None,
    *,
    model_id: str | None = None,
    files: tuple[str, ...] | None = None,
    base_cards: dict[str, dict[str, Any]] | None = None,
) -> Reading:
    subject = Subject("README.md", text, model_id=model_id, files=files, documents=documents or {})
    return read(subject, base_cards)


def draft_of(text: str, documents: dict[str, Any] | None = None, **known: Any) -> str:
    return drafted(reading_of(text, documents, **known)).text


def lines_of(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def is_subsequence(lines: list[str], of: list[str]) -> bool:
    rest = iter(of)
    return all(line in rest for line in lines)


def beneath(heading: str, text: str) -> str:
    """What a draft has under a heading, up to the next one."""
    return text.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]


# ---------------------------------------------------------------------------------------------- any text, any JSON

FRAGMENTS = (
    *("---\nlicense: mit\n---\n", "---\n---\n", "---\n{license: mit}\n---\n", "---\ntags:\n- gguf\n---\n", "---\n"),
    *("---\nbase_model: a/b\ndatasets: [x/y]\n---\n", "---\ndescription: |\n  text\n---\n", "\ufeff", "\r\n", "\n\n"),
    *("# Heron\n", "## Usage\n", "## Training data\n\n", "Usage\n-----\n", "Heron\n===\n", "# Usage\n", "### Limits\n"),
    *("- # Usage\n", "> ## License\n", "**Limitations**\n\n", "<h2>Evaluation</h2>\n", "## Verwendung\n"),
    *("```python\nx = 1\n```\n", "```\n", "~~~\n", "<!-- kept -->\n", "<!--", "-->", "<div hidden>\n", "</div>\n"),
    *("License: MIT\n", "<pre>\n", "- item\n"),
    *("| a | b |\n|---|---|\n| 1 | 2 |\n", "some words about herons at night\n", "    code\n", "[a]: b\n"),
)  # fmt: skip
CARDS = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=20)), max_size=9).map("".join),
)
HOSTILE = st.sampled_from(
    (
        *("--> <script>alert(1)</script>", "a\n---\nlicense: mit\n---\n", "`x` | y", "</div><!--", "x\x00y"),
        *("a: b # c", "{{ template }}", "[a](javascript:x)", "\u202eabc", "\ud800", "x" * 5000, "output/best"),
        *("heron/base\n---", "heron/base", "```\n# Usage", "BertForMaskedLM", "LlamaForCausalLM", "CAUSAL_LM"),
        *("<!-- a", "--!>", "a/b: c"),
    )
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**4000), st.floats(), st.text(max_size=30), HOSTILE
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=8), SCALARS, max_size=3)
)
KEYS = st.one_of(
    st.sampled_from(
        [
            *("architectures", "model_type", "hidden_size", "transformers_version", "quantization_config", "id2label"),
            *("base_model_name_or_path", "peft_type", "task_type", "r", "target_modules", "_diffusers_version"),
            *("learning_rate", "eval_loss", "train_loss", "log_history", "do_sample", "_name_or_path", "auto_map"),
        ]
    ),
    HOSTILE,
    st.text(max_size=12),
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(
        [*wording()["training"], "generation_config.json", "model_index.json", "eval_results.json"]
    ),
    st.one_of(st.dictionaries(KEYS, VALUES, max_size=6), VALUES),
    max_size=5,
)
FILES = st.one_of(
    st.none(), st.lists(st.one_of(HOSTILE, st.sampled_from(["a.gguf", "LICENSE", "modules.json"]))).map(tuple)
)


def drafted_or_skipped(reading: Reading) -> CardDraft:
    """The draft; texts in which nothing can be inserted are refused by name."""
    try:
        return drafted(reading)
    except UsageError as error:
        assert re.search(r"mend it|close it first|shorten it", str(error))
        assume(False)
        raise


@given(CARDS, DOCUMENTS, FILES)
@settings(max_examples=150, deadline=None)
@example("# A\n\n<!-- open", {"config.json": CONFIG}, None)
@example("---\n# A\n\nB\n-----\n", {"config.json": CONFIG}, None)
def test_a_draft_only_inserts_lines(
    text: str, documents: dict[str, Any], files: tuple[str, ...] | None
) -> None:
    made = drafted_or_skipped(reading_of(text, documents, model_id="ada/heron", files=files))
    assert is_subsequence(lines_of(text.removesuffix("\n")), lines_of(made.text))


@given(CARDS, DOCUMENTS, FILES)
@settings(max_examples=150, deadline=None)
@example("", {"adapter_config.json": ADAPTER}, ("LICENSE",))
@example("Some words about herons.\n\n### Details of our paper\n\nHerons at night, 2020.\n", {}, None)
def test_drafting_a_draft_adds_nothing(
    text: str, documents: dict[str, Any], files: tuple[str, ...] | None
) -> None:
    made = drafted_or_skipped(reading_of(text, documents, model_id="ada/heron", files=files))
    assert draft_of(made.text, documents, model_id="ada/heron", files=files) == made.text


def metadata_on_the_hub(text: str) -> dict[str, Any]:
    found: dict[str, Any] = ModelCard(text, ignore_metadata_errors=False).data.to_dict()  # type: ignore[no-untyped-call]
    return found


@given(CARDS, DOCUMENTS)
@settings(max_examples=150, deadline=None)
def test_a_draft_parses_where_the_card_does_and_keeps_its_metadata(
    text: str, documents: dict[str, Any]
) -> None:
    made = drafted_or_skipped(reading_of(text, documents, model_id="ada/heron"))
    try:
        before = metadata_on_the_hub(text)
    except (ValueError, TypeError, yaml.YAMLError):
        assume(False)
    after = metadata_on_the_hub(made.text)
    keys = {key.key: key.value for key in made.keys}
    assert after == {**before, **keys}
    assert not keys.keys() & {"license", "datasets"}


@given(SCALARS)
def test_a_value_cannot_break_out_of_code_a_cell_or_a_comment(value: Any) -> None:
    shown = plain(value)
    if shown is not None:
        assert len(shown) <= 102
        assert shown.isprintable()
        assert not re.search(r"[|<>\\\n]|--!", shown)
        assert shown.count("`") in (0, 2)


@pytest.mark.parametrize("value", [True, math.nan, math.inf, 10**4000, -(10**30), "7", None, [1]])
def test_what_is_no_finite_number_of_a_usual_size_is_none(value: Any) -> None:
    assert plain_number(value) is None


@pytest.mark.parametrize(
    "value", ["", " ", "a\nb", "a`b", "a|b", "-->", "\u200b", "x" * 101, 3, "web (coming soon)", "?"]
)
def test_a_text_that_would_need_escaping_is_left_out(value: Any) -> None:
    assert plain_text(value) is None


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ("heron/base", True),
        ("gpt2", False),
        ("output/checkpoint-500", False),
        ("models/heron", False),
        ("./heron/base", False),
        ("/home/ada/heron", False),
        ("ada/checkpoint-12", False),
        ("a/b: c", False),
        ("a/b\nlicense: mit", False),
    ],
)
def test_a_folder_of_somebodys_machine_is_no_repository(written: str, is_one: bool) -> None:
    assert (repository(written) is not None) == is_one


# ------------------------------------------------------------------------------------------------------ facts


def test_each_fact_stands_behind_the_file_that_it_is_from() -> None:
    text = draft_of(CARD, {"config.json": CONFIG}, files=("README.md", "model.safetensors"))
    assert beneath("## Model details", text).startswith(
        "\n<!-- from config.json -->\n- Architecture: `BertForMaskedLM`\n- Model type: `bert`\n- Hidden size: 768\n"
    )
    assert "<!-- from file list -->\n- Weights: `model.safetensors`\n" in text


def test_hyperparameters_come_from_the_trainers_files_each_once() -> None:
    documents = {
        "training_args.json": {
            "learning_rate": 5e-05,
            "num_train_epochs": 3,
            "optim": "adamw_torch",
            "seed": True,
        },
        "trainer_state.json": {"num_train_epochs": 3, "global_step": 1200, "best_metric": None},
        "config.json": CONFIG,
    }
    part = beneath("## Training procedure", draft_of(CARD, documents))
    assert (
        "<!-- from training_args.json -->\n| Setting | Value |\n|---|---|\n| `learning_rate` | 5e-05 |"
        in part
    )
    assert (
        "<!-- from trainer_state.json -->\n| Setting | Value |\n|---|---|\n| `global_step` | 1200 |" in part
    )
    assert "| `transformers_version` | `4.40.0` |" in part
    assert part.count("num_train_epochs") == 1


def test_results_are_given_as_they_are_with_their_keys() -> None:
    results = {
        "eval_accuracy": 0.9123,
        "eval_loss": math.nan,
        "eval_runtime": 3.1,
        "train_loss": 0.4,
        "eval_n": "9",
    }
    part = beneath("## Evaluation", draft_of("# Heron\n", {"all_results.json": results}))
    assert part.startswith(
        "\n<!-- from all_results.json -->\n| Metric | Value |\n|---|---|\n| `eval_accuracy` | 0.9123 |\n\n"
    )


def test_results_of_the_last_evaluation_are_taken_where_no_file_has_any() -> None:
    state = {"log_history": [{"eval_loss": 0.5}, {"loss": 0.1}, {"eval_loss": 0.25, "epoch": 2.0}, "x"]}
    part = beneath("## Evaluation", draft_of("# Heron\n", {"trainer_state.json": state}))
    assert (
        "<!-- from trainer_state.json -->\n| Metric | Value |\n|---|---|\n| `eval_loss` | 0.25 |\n\n" in part
    )


def test_results_of_the_model_index_become_a_table() -> None:
    card = """---
model-index:
- name: heron
  results:
  - dataset: {name: Marsh, split: test}
    metrics:
    - {type: wer, value: 12.50}
    - {type: cer, value: "a | b"}
---
# Heron
"""
    table = "| Data set | Split | Metric | Value |\n|---|---|---|---|\n| Marsh | test | wer | 12.50 |\n\n"
    assert f"<!-- from front matter -->\n{table}" in beneath("## Evaluation", draft_of(card))


def test_an_adapter_names_its_base_model_and_how_to_load_it() -> None:
    text = draft_of("# Heron\n", {"adapter_config.json": ADAPTER}, model_id="ada/heron")
    assert text.startswith(
        "---\nbase_model: heron/base  # from adapter_config.json\nlibrary_name: peft  # from adapter_config.json\n---\n"
    )
    assert "- Base model: [heron/base](https://huggingface.co/heron/base)" in text
    assert 'model = AutoPeftModelForCausalLM.from_pretrained("ada/heron")' in text


def test_without_a_name_on_the_hub_there_is_a_question_and_no_snippet() -> None:
    text = draft_of(CARD, {"config.json": CONFIG})
    assert "from_pretrained" not in text
    assert "pipeline(" not in text
    assert "<!-- ## How to use\n" in text
    assert "The model is one of transformers;" in text


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ({"architectures": ["BertForMaskedLM"]}, "fill-mask"),
        ({"architectures": ["LlamaForCausalLM"]}, "text-generation"),
        ({"architectures": ["LlamaForCausalLM"], "mm_vision_tower": "clip"}, None),
        ({"architectures": ["Phi3VForCausalLM"]}, None),
        ({"architectures": ["BertForSequenceClassification"]}, None),
        ({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "score"}}, None),
        ({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b"}}, "text-classification"),
        ({"architectures": ["A", "BertForMaskedLM"]}, None),
        ({"architectures": "BertForMaskedLM"}, None),
    ],
)  # fmt: skip
def test_the_task_is_given_only_where_the_architecture_has_no_other(
    config: dict[str, Any], task: str | None
) -> None:
    whole = {"model_type": "any", "transformers_version": "4.40.0", **config}
    keys = {key.key: key.value for key in drafted(reading_of("# Heron\n", {"config.json": whole})).keys}
    assert keys.get("pipeline_tag") == task


def test_every_task_and_section_of_the_tables_exists() -> None:
    tables = wording()
    tasks = {*tables["architecture_ends"].values(), *tables["architectures"].values()}
    assert tasks <= vocabulary.pipeline_tags().keys()
    assert tables["questions"].keys() <= {section.id for section in load_rubric().sections}


def test_a_library_is_not_written_beside_a_tag_of_another() -> None:
    made = drafted(reading_of("---\ntags: [mlx]\n---\n# Heron\n", {"config.json": CONFIG}))
    assert made.keys == ()


def test_a_key_that_is_there_stays_as_it_is_even_if_it_is_empty() -> None:
    made = drafted(reading_of("---\nlibrary_name:\npipeline_tag: other\n---\n# A\n", {"config.json": CONFIG}))
    assert made.keys == ()


def test_license_and_data_of_the_base_model_are_a_hint_and_no_fact() -> None:
    base = {"heron/base": {"license": "cc-by-nc-4.0", "datasets": ["marsh/calls", "a --> b"]}}
    text = draft_of("---\nbase_model: heron/base\n---\n# Heron\n", base_cards=base, files=("LICENSE",))
    assert "The base model heron/base is under cc-by-nc-4.0. The repository has a file LICENSE.\n-->" in text
    assert "The base model heron/base names marsh/calls.\n-->" in text
    assert {"license", "datasets"}.isdisjoint(read(Subject("x", text)).metadata)


def test_a_gguf_file_is_run_only_where_the_card_says_that_it_writes_text() -> None:
    files = ("heron-00002-of-00002.gguf", "heron.Q4_K_M.gguf")
    card = "---\npipeline_tag: text-generation\n---\n# Heron\n"
    assert "llama-cli --hf-repo ada/heron --hf-file heron.Q4_K_M.gguf" in draft_of(
        card, model_id="ada/heron", files=files
    )
    assert "llama-cli" not in draft_of("# Heron\n", model_id="ada/heron", files=files)


# --------------------------------------------------------------------------------------------- the card's style


def test_sections_stand_in_the_usual_order_at_the_cards_own_level() -> None:
    text = draft_of(CARD.replace("## ", "### "), {"config.json": CONFIG})
    found = re.findall(r"^(?:<!-- )?(#+) (.+)$", text, re.MULTILINE)
    assert found[0] == ("#", "Heron")
    assert {marks for marks, _ in found[1:]} == {"###"}
    titles = [title for _, title in found[1:]]
    assert titles[0] == "Model details"
    assert titles.index("Training procedure") < titles.index("Evaluation") < titles.index("Limitations")
    assert titles[-2:] == ["Citation", "Contact"]


@pytest.mark.parametrize(
    "title", ["# Usage of herons", "## Heron", "### A model of calls trained on a dataset of herons"]
)
def test_nothing_is_put_above_the_title_whatever_its_level(title: str) -> None:
    text = draft_of(f"{title}\n\nListen.\n\n## Evaluation\n\nNone yet by anybody.\n", {"config.json": CONFIG})
    body = text.split("---\n\n", 1)[1]
    assert body.startswith(f"{title}\n\nListen.\n\n## Description\n")


def test_headings_that_are_underlined_stay_so() -> None:
    card = "Heron\n=====\n\nUsage\n-----\n\nListen to it at night.\n"
    text = draft_of(card, {"all_results.json": {"eval_wer": 0.1}})
    assert "\nEvaluation\n----------\n\n<!-- from all_results.json -->" in text
    assert "<!-- Limitations\n-----------\n" in text


def test_headings_are_in_the_language_of_the_card() -> None:
    card = (
        "# Reiher\n\n## Modellbeschreibung\n\nEin Modell, das Reiher hört.\n\n## Grenzen\n\nNur zwei Moore.\n"
    )
    text = draft_of(card, {"all_results.json": {"eval_wer": 0.1}})
    assert "\n## Auswertung\n" in text
    assert "<!-- ## Nicht vorgesehene Verwendung\n" in text


def test_every_heading_in_every_language_names_its_section() -> None:
    languages = ["en", "zh", "ja", "ko", "de", "fr", "es", "pt", "ru", "it", "id", "tr", "vi", "ar"]
    for section in wording()["questions"]:
        for language in languages:
            assert section in sections_named(title_in(language, section)), (section, language)


def test_line_ends_stay_those_of_the_card() -> None:
    text = draft_of(CARD.replace("\n", "\r\n"), {"config.json": CONFIG})
    assert text.count("\n") == text.count("\r\n")


def test_an_empty_section_is_filled_where_it_stands() -> None:
    card = "# Heron\n\n## Training procedure\n\n## Evaluation\n\nTwo marshes, a year, forty wardens and many calls.\n"
    text = draft_of(card, {"training_args.json": {"learning_rate": 0.01}})
    assert text.count("## Training procedure") == 1
    assert "| `learning_rate` | 0.01 |" in beneath("## Training procedure", text)


def test_a_section_that_has_text_is_left_alone() -> None:
    text = draft_of(CARD, {"all_results.json": {"eval_wer": 0.1}})
    assert "eval_wer" not in text
    assert text.count("## Evaluation") == 1


def test_what_the_text_says_without_a_heading_is_not_asked_again() -> None:
    said = "The training data are 9,300 calls of herons that wardens collected at night in two marshes near the sea.\n"
    made = drafted(reading_of(f"---\ndatasets: [marsh/calls]\nlanguage: en\n---\n# Heron\n\n{said}"))
    assert {"training_data", "description"}.isdisjoint({*made.filled, *made.asked})


def test_sections_in_disguise_and_in_html_are_not_drafted_again() -> None:
    card = "# Heron\n\n**Limitations**\n\nOnly two marshes were heard.\n\n<h2>Contact</h2>\n\nThe wardens.\n"
    made = drafted(reading_of(card))
    assert {"limitations", "contact"}.isdisjoint({*made.filled, *made.asked})


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("---\na: [\n---\n# Heron\n", "the front matter cannot be read"),
        ("---\n---\n# Heron\n", "the front matter is empty"),
        ("# Heron\n\n<pre>\n", "close it first"),
        ("# Heron\n\n```python\nx = 1\n", "close it first"),
        ("# Heron\n\n<!-- hidden\n", "close it first"),
        ("# Heron\n\n<div hidden>\n\nsecret\n", "close it first"),
    ],
)
def test_what_cannot_be_drafted_is_refused_with_a_remedy(card: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        drafted(reading_of(card, {"config.json": CONFIG}))


# ------------------------------------------------------------------------------------------------ scores


def test_questions_alone_gain_no_check_and_the_command_says_so() -> None:
    reading = reading_of(CARD.replace("license: mit", "tags: [birds]"))
    made = drafted(reading)
    found = gain(reading, made)
    assert made.filled == ()
    assert (found.gained, found.lost) == ((), ())
    assert found.before == found.after
    assert any(
        line.startswith("No check is newly passed: the draft is longer") for line in draft_lines(made, found)
    )


def test_words_that_files_gave_are_not_praised_as_the_authors_own() -> None:
    lines = list(draft_lines(CardDraft(""), DraftGain(2.0, 2.4, ("own_words",), ())))
    assert lines[-1].startswith("  Facts from files count as words too")


def test_a_check_that_comments_cost_is_told_with_its_reason() -> None:
    lines = list(draft_lines(CardDraft(""), DraftGain(2.0, 1.9, (), ("is_readable",))))
    assert "  no longer passed: readable portions  [is_readable]" in lines
    assert lines[-1].startswith("  Comments count as markup: answer the questions")


def test_the_gain_is_the_difference_of_two_verdicts_of_the_checklist() -> None:
    reading = reading_of(CARD, {"config.json": CONFIG, "all_results.json": {"eval_accuracy": 0.9}})
    made = drafted(reading)
    found = gain(reading, made)
    first, second = ChecklistJudge().score([reading.subject.card, Subject("x", made.text).card])
    assert (found.before, found.after) == (first.score, second.score)
    assert {"names_origin", "task_given"} <= set(found.gained) == set(second.passed) - set(first.passed)
    assert "  newly passed: task or library  [task_given]" in list(draft_lines(made, found))


def all_drafts() -> Iterator[tuple[Reading, Reading]]:
    documents = {"config.json": CONFIG, "adapter_config.json": ADAPTER, "all_results.json": {"eval_f1": 0.5}}
    for card in (CARD, "", "# Heron\n", "Heron\n=====\n\nUsage\n-----\n\nListen.\n"):
        before = reading_of(card, documents, model_id="ada/heron", files=("model.safetensors", "LICENSE"))
        yield before, read(Subject("x", drafted(before).text, model_id="ada/heron"), {})


def test_a_draft_breaks_no_rule_that_the_card_kept() -> None:
    for before, after in all_drafts():
        kept = {notice.rule for notice in look(before)}
        if "front-matter-missing" in kept:
            kept.add("license-missing")  # which is looked for in a front matter
        assert {notice.rule for notice in look(after)} <= kept


# ----------------------------------------------------------------------------------------------- the command


def card_command(*arguments: str, home: Path) -> Result:
    return CliRunner().invoke(app, ["card", *arguments, "--home", str(home)])


def test_the_command_writes_a_new_file_and_prints_both_scores(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "all_results.json").write_text('{"eval_f1": 0.5, "train_loss": 0.1}')
    out = tmp_path / "DRAFT.md"
    done = card_command(str(tmp_path), "--draft", str(out), home=tmp_path / "home")
    assert done.exit_code == 0, done.output
    assert re.search(r"Score by the checklist, .*: \d\.\d\d before, \d\.\d\d after", done.output)
    assert is_subsequence(CARD.splitlines(), out.read_text().splitlines())
    assert (tmp_path / "README.md").read_text() == CARD


def test_the_command_overwrites_neither_the_card_nor_another_file(tmp_path: Path) -> None:
    card, other = tmp_path / "README.md", tmp_path / "other.md"
    card.write_text(CARD)
    other.write_text("kept")
    for target in (card, other):
        done = card_command(str(card), "--draft", str(target), home=tmp_path / "home")
        assert isinstance(done.exception, UsageError)
        assert "exists already; name a new file, or print the draft with --diff" in str(done.exception)
    assert (card.read_text(), other.read_text()) == (CARD, "kept")


def test_with_diff_the_command_prints_the_draft_and_writes_nothing(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(CARD.rstrip("\n"))
    done = card_command(str(card), "--draft", str(card), "--diff", home=tmp_path / "home")
    assert done.exit_code == 0, done.output
    changes = [line for line in done.stdout.splitlines() if not line.startswith(("---", "+++"))]
    assert not any(line.startswith("-") for line in changes)
    assert any(line.startswith("+<!-- ## Limitations") for line in changes)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_draft_is_not_combined_with_what_it_cannot_do(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    for extra in (["--fix"], ["--json"], ["--judge", "vllm"]):
        done = card_command(
            str(tmp_path), "--draft", str(tmp_path / "new.md"), *extra, home=tmp_path / "home"
        )
        assert isinstance(done.exception, UsageError)
    assert not (tmp_path / "new.md").exists()
