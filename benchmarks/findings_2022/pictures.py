"""The article's charts, each for light and for dark pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.findings_2022.evidence import Evidence
from tasks.charts import theme
from tasks.estimators import Estimator
from tasks.report import figures

_STRATA = ("all", "without_outliers", "not_generated", "no_card_lowest")
_WIDTH = 760  # as wide as a column of text


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart by the name of its files, with what it says to those who do not see it."""

    name: str
    title: str
    says: str
    spec: dict[str, Any]

    @property
    def files(self) -> dict[str, theme.Palette]:
        """File names, each with the palette that it is drawn in."""
        return {f"{self.name}.svg": theme.LIGHT, f"{self.name}-dark.svg": theme.DARK}


def pictures(evidence: Evidence) -> dict[str, Picture]:
    """All of them, by the name that the article calls each by."""
    data = evidence.data
    drawn = {
        "scores": figures.spread(data),
        "association": association(evidence),
        "libraries": figures.stratum_associations(data, "library"),
        "documented": figures.documented(data),
    }
    return {
        name: Picture(f"findings-2022-{name}", figure.title, figure.summary, figure.spec)
        for name, figure in drawn.items()
        if figure is not None and figure.spec is not None
    }


def association(evidence: Evidence) -> figures.Figure:
    """Spearman's correlations alone, with all else equal as well: the report's figure has more than a page holds."""
    kept = [
        f
        for f in evidence.data.findings
        if f.estimator in (Estimator.SPEARMAN, Estimator.SPEARMAN_GIVEN_CONTROLS) and f.stratum in _STRATA
    ]
    return figures.association(replace(evidence.data, findings=tuple(kept)))


def write(drawn: Iterable[Picture], folder: Path) -> list[Path]:
    """Draw them; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in drawn:
        for name, palette in picture.files.items():
            theme.save_svg(picture.spec, folder / name, palette, width=_WIDTH)
            written.append(folder / name)
    return written
