"""Colours of marks on light and on dark paper.

Hues follow Okabe and Ito (2008), darkened or lightened until a mark has a contrast of 3 on its paper (WCAG 2.1,
1.4.11); each category also has its own shape. Ramps have one hue, and their lightness changes in one direction.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marks:
    """Colours of marks: categories by size, steps from low to high, and colours of the background."""

    marks: tuple[str, ...]
    ramp: tuple[str, ...]
    other: str
    none: str
    dim: str


LIGHT_MARKS = Marks(
    marks=("#0072b2", "#c2500a", "#00795a", "#a8447f", "#3b2f8f", "#8a6a00", "#2b2b2b"),
    ramp=("#9db8d6", "#7fa3cb", "#5f8cbd", "#4274aa", "#2b5c92", "#184577", "#0a2c55"),
    other="#71747c",
    none="#9a9ca3",
    dim="#dedbd3",
)
DARK_MARKS = Marks(
    marks=("#56b4e9", "#e69f00", "#2fc59a", "#df8fbd", "#a9a0ff", "#f0e442", "#e4e4e4"),
    ramp=("#3d5f86", "#4c769f", "#5f8fba", "#78a8d2", "#96c0e4", "#b9d8f2", "#e2f1ff"),
    other="#8b8f98",
    none="#6c7079",
    dim="#2b2f36",
)
