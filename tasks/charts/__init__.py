"""Charts: functions from a frame to an Altair chart, named for the question that they answer."""

from tasks.charts.atlas_map import where_cards_lie
from tasks.charts.draw import (
    how_an_edit_is_followed,
    how_far_judge_and_people_agree,
    how_scores_are_spread,
    how_strata_compare,
    how_strong_is_the_association,
    how_two_judges_compare,
    score_against_popularity,
    what_is_documented,
    which_sections_are_filled,
)
from tasks.charts.theme import (
    DARK,
    LIGHT,
    NUMBER_FORMAT,
    Palette,
    config,
    save_png,
    save_svg,
    vegalite_version,
)

__all__ = [
    "DARK",
    "LIGHT",
    "NUMBER_FORMAT",
    "Palette",
    "config",
    "how_an_edit_is_followed",
    "how_far_judge_and_people_agree",
    "how_scores_are_spread",
    "how_strata_compare",
    "how_strong_is_the_association",
    "how_two_judges_compare",
    "save_png",
    "save_svg",
    "score_against_popularity",
    "vegalite_version",
    "what_is_documented",
    "where_cards_lie",
    "which_sections_are_filled",
]
