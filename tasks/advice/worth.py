"""The rubric on one card: each failed check with its place, what to write, and how many points passing it is worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.advice.rule import Reading
from tasks.cards.places import HeadingPlace
from tasks.cards.taxonomy import sections_named
from tasks.judges.metadata import refused_keys
from tasks.judges.snippets import has_blanks
from tasks.records import Verdict
from tasks.rubric import Rubric, untouched

# The sections of the taxonomy that a check is about, the likeliest first; the front matter has its own.
_ABOUT: dict[str, tuple[str, ...]] = {
    "states_what_it_is": ("description",),
    "describes_in_depth": ("description",),
    "names_origin": ("description",),
    "intended_use": ("intended_use",),
    "out_of_scope": ("out_of_scope", "intended_use"),
    "has_snippet": ("how_to_use",),
    "snippet_is_complete": ("how_to_use",),
    "shows_example": ("how_to_use",),
    "says_requirements": ("installation", "how_to_use"),
    "data_named": ("training_data",),
    "data_described": ("training_data",),
    "procedure_described": ("training_procedure",),
    "hyperparameters_given": ("training_procedure",),
    "compute_given": ("environmental_impact", "training_procedure"),
    "reports_numbers": ("evaluation",),
    "names_test_set": ("evaluation",),
    "structured_results": ("evaluation",),
    "compares": ("evaluation",),
    "explains_protocol": ("evaluation",),
    "limitations_stated": ("limitations", "bias_and_risks"),
    "bias_stated": ("bias_and_risks", "limitations"),
    "limits_specific": ("limitations", "bias_and_risks"),
    "mitigation_given": ("limitations", "bias_and_risks"),
    "references_given": ("citation", "contact"),
}
_KEYS: dict[str, tuple[str, ...]] = {
    "license_given": ("license",),
    "language_given": ("language",),
    "task_given": ("pipeline_tag", "library_name"),
    "lineage_given": ("base_model", "datasets"),
}


# Checks that a card of a few words fails for want of words, whatever else it does.
_WORDS_MIN = {"no_placeholders": 20, "is_readable": 30}
_TOO_SHORT = "Write at least {words} different words of text: so short a card passes no check of this kind."


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of the rubric that the card fails.

    `line`: where the card deals with it, null where it does not yet. `points`: what the score would gain if the card
    passed this check too, all else equal.
    """

    check: str
    criterion: str
    line: int | None
    question: str
    advice: str
    points: float


def failed_checks(verdict: Verdict, reading: Reading, rubric: Rubric) -> list[FailedCheck]:
    """The failed checks of a verdict, the most valuable first; none where it has no score."""
    if verdict.score is None:
        return []
    mean = 1 + sum(rubric.worths[check] for check in verdict.passed)
    is_untouched = reading.evidence.is_generated and verdict.score_mode == "checks"
    found = [
        FailedCheck(
            check=check.id,
            criterion=criterion.id,
            line=_line_of(check.id, reading),
            question=check.question,
            advice=_TOO_SHORT.format(words=_WORDS_MIN[check.id])
            if _is_too_short(check.id, reading)
            else check.advice,
            points=_points(mean, rubric.worths[check.id], is_untouched=is_untouched),
        )
        for criterion in rubric.criteria
        for check in criterion.checks
        if check.id in verdict.failed
    ]
    return sorted(found, key=lambda each: -each.points)


def _is_too_short(check: str, reading: Reading) -> bool:
    evidence = reading.evidence
    if check == "no_placeholders" and (evidence.placeholders or has_blanks(evidence)):
        return False
    return evidence.words < _WORDS_MIN.get(check, 0)


def _points(mean: float, worth: float, *, is_untouched: bool) -> float:
    return round(untouched(mean + worth) - untouched(mean) if is_untouched else worth, 4)


def _line_of(check: str, reading: Reading) -> int | None:
    places = reading.places
    if check in _KEYS:
        return next((places.keys[key] for key in _KEYS[check] if key in places.keys), None)
    if check == "metadata_valid":
        refused = next((key for key in refused_keys(reading.metadata) if key in places.keys), None)
        return places.keys[refused] if refused else places.front[0] if places.front else None
    if check == "snippet_is_complete" and places.codes:
        return places.codes[0].line
    return next((h.line for name in _ABOUT.get(check, ()) for h in _named(name, places.headings)), None)


def _named(section: str, headings: Iterable[HeadingPlace]) -> list[HeadingPlace]:
    return [heading for heading in headings if section in sections_named(heading.title)]
