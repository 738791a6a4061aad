"""The report's charts as PNG files, for slides and pages that run no script."""

from __future__ import annotations

from pathlib import Path

from tasks.charts.theme import save_png
from tasks.errors import NotWritten
from tasks.report import figures
from tasks.report.data import ReportData


def write_pictures(data: ReportData, folder: Path) -> list[Path]:
    """Write each chart that has something to show; returns the files, named for what they show."""
    groups = figures.every(data).values()
    drawn = [figure for group in groups for figure in (group if isinstance(group, list) else [group])]
    specs = {figure.name: figure.spec for figure in drawn if figure.spec}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, spec in specs.items():
            save_png(spec, folder / f"{name}.png")
    except OSError as error:
        raise NotWritten(
            f"cannot write pictures to {folder}: {error.strerror}; choose another folder"
        ) from error
    return [folder / f"{name}.png" for name in specs]
