"""A run: the snapshot that it is about, and where its lake, warehouse and pages are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.storage.lake import Lake
from tasks.storage.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Run:
    """The home and the date of a snapshot: the first argument of its tasks."""

    home: Path
    snapshot: date

    @property
    def lake(self) -> Lake:
        """What the run reads and writes."""
        return Lake(self.home)

    @property
    def warehouse(self) -> Warehouse:
        """What is derived from the lake."""
        return Warehouse(self.home)

    @property
    def report(self) -> Path:
        """The page of the findings."""
        return self.home / "report.html"

    @property
    def map(self) -> Path:
        """The page of the map."""
        return self.home / "atlas.html"
