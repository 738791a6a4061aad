"""The article: `article.md` with every number and claim from the warehouse."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import jinja2

from benchmarks.findings_2022 import tables
from benchmarks.findings_2022.evidence import Evidence
from benchmarks.findings_2022.pictures import Picture, pictures
from tasks.errors import NotWritten
from tasks.findings.documented import FAMILY_MODELS
from tasks.findings.outliers import OUTLIER_RULE
from tasks.findings.sample import AUTHORS_TO_TRUST, MODELS_TO_TRUST
from tasks.records import Finding
from tasks.sentences.estimates import (
    EstimateReading,
    both_ends,
    ends,
    is_interval,
    reading,
    reading_without,
    strength,
)
from tasks.sentences.findings import sentence
from tasks.sentences.judges import passport_sentence
from tasks.sentences.numbers import count, decimal, long_date, percent
from tasks.sentences.robustness import doubts_of, steps_sentence

_TEMPLATE = Path(__file__).parent / "article.md"
_WIDTH = 118
_KEPT = ("|", "#", "<", "    ")  # lines that a paragraph's wrapping would break


class ClaimBroken(NotWritten):
    """The warehouse no longer says what the article does."""


class Claims:
    """Checks the claims of the prose, and keeps those that fail."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def hold(self, is_so: bool, claim: str) -> str:  # templates name no arguments
        """Print nothing, and keep the claim where it does not hold."""
        if not is_so:
            self.broken.append(claim)
        return ""

    def reads(self, finding: Finding, expected: EstimateReading) -> str:
        """Check that a finding's interval lies where the prose says: `more`, `less` or `unclear`."""
        found = reading(finding)
        return self.hold(found == expected, f"{_key(finding)} reads “{expected}”, but it is “{found}”")

    def apart(self, lower: Finding, higher: Finding) -> str:
        """Check that the whole interval of one finding lies below that of another."""
        is_so = all(map(is_interval, (lower, higher)))
        is_so = is_so and ends(lower)[1] < ends(higher)[0]
        return self.hold(is_so, f"{_key(lower)} lies below {_key(higher)}, without overlapping intervals")


def _key(finding: Finding) -> str:
    return f"{finding.question} of {finding.outcome} by {finding.estimator} ({finding.stratum})"


def render(evidence: Evidence) -> tuple[str, list[str]]:
    """The page, and the claims in it that the evidence does not support."""
    environment = jinja2.Environment(  # noqa: S701  # Markdown, of numbers and of names that the Hub gives libraries
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    claims, drawn = Claims(), pictures(evidence)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(
        e=evidence,
        data=evidence.data,
        n=evidence.data.counts,
        f=evidence.finding,
        share=evidence.share,
        hold=claims.hold,
        reads=claims.reads,
        apart=claims.apart,
        rho=lambda finding: f"ρ {decimal(finding.estimate)}, {both_ends(finding)}",
        between=both_ends,
        factor=tables.factor,
        span=tables.span,
        picture=lambda name: _picture(drawn[name]),
        says=lambda name: drawn[name].says,
        tables=tables,
        count=count,
        decimal=decimal,
        long_date=long_date,
        passport_sentence=passport_sentence,
        percent=percent,
        sentence=sentence,
        steps_sentence=steps_sentence,
        doubts_of=doubts_of,
        strength=strength,
        reads_without=reading_without,
        outlier_rule=OUTLIER_RULE,
        authors_to_trust=AUTHORS_TO_TRUST,
        models_to_trust=MODELS_TO_TRUST,
        family_models=FAMILY_MODELS,
    )
    return typeset(text), claims.broken


def write(evidence: Evidence, page: Path) -> None:
    """Write the page. Raises `ClaimBroken` where the evidence does not support it."""
    text, broken = render(evidence)
    if broken:
        raise ClaimBroken(f"{page} was not written, because it would make false claims: {'; '.join(broken)}")
    page.write_text(text, encoding="utf-8")


def _picture(picture: Picture) -> str:
    light, dark = (f"pictures/{name}" for name in picture.files)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{picture.title}. {picture.says}" src="{light}"></picture>'
    )


def typeset(text: str) -> str:
    """Format units and paragraphs as in the other documents."""
    blocks = re.split(r"\n{2,}", text.strip())
    # Narrow spaces hold a number and its unit together while lines are broken.
    return "\n\n".join(map(_wrapped, blocks)).replace("\u202f", " ") + "\n"


def _wrapped(block: str) -> str:
    if block.startswith(_KEPT) or "```" in block:
        return block
    items = re.split(r"\n(?=- )", block)
    return "\n".join(
        textwrap.fill(
            " ".join(item.split()),
            _WIDTH,
            subsequent_indent="  " * item.startswith("- "),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )
