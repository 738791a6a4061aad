"""What runs a model, what is a demo of it, and what is left for the reader to fill in."""

from __future__ import annotations

import html
import tomllib
from pathlib import Path

import pytest

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS

TABLE: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("commands.toml").read_text(encoding="utf-8")
)
CASES = Path(__file__).parents[4] / "shared" / "cases"
TEXT = (
    "The model sorts what guests say about the dinner into five groups, such as the soup, the bread and the bill. "
    "It was made for a small house on the coast, and knows its dishes by name."
)
SHOWN = {
    "a fence": "```bash\n{}\n```",
    "a fence without a language": "```\n{}\n```",
    "inline code": "Run `{}` and wait.",
    "a list": "- for text: `{}`\n- for images: nothing",
    "a table": "| with | run |\n|---|---|\n| a terminal | `{}` |",
    "an element of code": "<p>Run <code>{}</code> and wait.</p>",
    "a preformatted element": "<pre><code>{}</code></pre>",
}


def passes(check: str, markdown: str) -> bool:
    return CHECKS[check](evidence_of(f"# Sparrow\n\n{TEXT}\n\n{markdown}\n"))


def shown(how: str, command: str) -> str:
    return SHOWN[how].format(html.escape(command, quote=False) if "element" in how else command)


@pytest.mark.parametrize("how", SHOWN)
@pytest.mark.parametrize("command", TABLE["complete"])
def test_a_command_with_the_models_name_is_a_complete_snippet_wherever_it_is_shown(
    how: str, command: str
) -> None:
    markdown = shown(how, command)
    assert passes("has_snippet", markdown)
    assert passes("snippet_is_complete", markdown)
    assert passes("no_placeholders", markdown)


@pytest.mark.parametrize("how", SHOWN)
@pytest.mark.parametrize("command", TABLE["incomplete"])
def test_a_command_with_blanks_is_a_snippet_but_no_complete_one(how: str, command: str) -> None:
    markdown = shown(how, command)
    assert passes("has_snippet", markdown)
    assert not passes("snippet_is_complete", markdown)
    assert not passes("no_placeholders", markdown)


@pytest.mark.parametrize("how", ["inline code", "an element of code", "a table"])
@pytest.mark.parametrize("command", TABLE["nothing"])
def test_a_tool_that_is_named_or_installed_and_a_conversion_are_no_snippet(how: str, command: str) -> None:
    assert not passes("has_snippet", shown(how, command))


CONVERSIONS = [
    command for command in TABLE["nothing"] if " " in command and command not in ("vllm serve", "ollama run")
]


@pytest.mark.parametrize("command", [c for c in CONVERSIONS if "--help" not in c])
def test_a_fence_that_installs_or_converts_is_no_snippet(command: str) -> None:
    assert not passes("has_snippet", f"```bash\n{command}\n```")


def test_a_command_over_several_lines_is_one() -> None:
    assert passes("snippet_is_complete", "```bash\nvllm serve \\\n  --port 8000 \\\n  tove/sparrow\n```")
    assert passes("snippet_is_complete", "```bash\nllama-server `\n  -hf tove/sparrow-GGUF\n```")
    assert passes("no_placeholders", "```bash\nvllm serve \\\n  --port 8000 \\\n  tove/sparrow\n```")
    assert not passes("no_placeholders", "```bash\nvllm serve \\\n  --port 8000 \\\n  <model>\n```")


@pytest.mark.parametrize("code", TABLE["inline_code"])
def test_a_line_of_code_that_loads_a_model_is_a_snippet(code: str) -> None:
    assert passes("has_snippet", f"Load it by `{code}`.")


@pytest.mark.parametrize("code", TABLE["no_inline_code"])
def test_the_name_of_a_function_is_no_snippet(code: str) -> None:
    assert not passes("has_snippet", f"Call `{code}` before.")


@pytest.mark.parametrize("code", TABLE["blank"])
def test_what_is_to_be_filled_in_is_a_placeholder(code: str) -> None:
    assert not passes("no_placeholders", f"```\n{code}\n```")


@pytest.mark.parametrize("code", TABLE["filled"])
def test_a_token_a_type_a_variable_and_a_prompt_are_no_placeholders(code: str) -> None:
    assert passes("no_placeholders", f"```\n{code}\n```")


@pytest.mark.parametrize(
    "text", ["It predicts <mask> and <unk>.", "Ends with `<think>`.", "Replace `YOUR_HF_TOKEN`."]
)
def test_angle_brackets_in_prose_are_no_placeholders(text: str) -> None:
    assert passes("no_placeholders", text)


@pytest.mark.parametrize("markdown", TABLE["demo"])
def test_a_demo_is_a_snippet(markdown: str) -> None:
    assert passes("has_snippet", markdown)


@pytest.mark.parametrize("markdown", TABLE["no_demo"])
def test_a_space_that_converts_trains_or_compares_is_no_demo(markdown: str) -> None:
    assert not passes("has_snippet", markdown)


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_the_cases_come_out_right() -> None:
    snippets = {path.stem: evidence_of(path.read_text()) for path in (CASES / "has_snippet").glob("*.md")}
    blanks = {path.stem: evidence_of(path.read_text()) for path in (CASES / "no_placeholders").glob("*.md")}
    assert {name for name, e in snippets.items() if not CHECKS["has_snippet"](e)} == {"j_space_convert"}
    assert {name for name, e in blanks.items() if CHECKS["no_placeholders"](e)} == {"e_ok"}
