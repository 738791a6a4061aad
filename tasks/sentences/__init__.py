"""From findings to plain English that claims no more than the interval does.

Every sentence speaks of association ("goes with"), never of effect; where the interval contains zero it says
"no clear association", whatever the estimate. Numbers carry narrow no-break spaces, so that they never wrap.
"""

from tasks.sentences.atlas import (
    atlas_words,
    shown_notes,
    stability_notes,
)
from tasks.sentences.edits import (
    edit_verdict,
)
from tasks.sentences.estimates import (
    EstimateReading,
    change,
    ends,
    figure,
    interval,
    is_interval,
    is_multiplicative,
    is_number,
    is_ranked,
    is_second_opinion,
    reading,
    strength,
)
from tasks.sentences.findings import (
    sentence,
)
from tasks.sentences.headline import (
    headline,
    main_finding,
)
from tasks.sentences.judge_error import (
    as_people_score,
)
from tasks.sentences.judges import (
    judge_note,
    other_judge_sentence,
    passport_sentence,
    sway_sentences,
)
from tasks.sentences.numbers import (
    MINUS,
    NARROW,
    count,
    decimal,
    duration,
    long_date,
    models,
    money,
    percent,
    probability,
    rate,
    texts,
)
from tasks.sentences.snapshots import (
    cost_basis,
    cost_per_thousand,
    judging_words,
    late_sentence,
    release_sentence,
)
from tasks.sentences.words import (
    caveats,
    estimator_words,
    flag_words,
    judge_words,
    plain,
    question_words,
    stratum_words,
    upper_first,
)

__all__ = [
    "MINUS",
    "NARROW",
    "EstimateReading",
    "as_people_score",
    "atlas_words",
    "caveats",
    "change",
    "cost_basis",
    "cost_per_thousand",
    "count",
    "decimal",
    "duration",
    "edit_verdict",
    "ends",
    "estimator_words",
    "figure",
    "flag_words",
    "headline",
    "interval",
    "is_interval",
    "is_multiplicative",
    "is_number",
    "is_ranked",
    "is_second_opinion",
    "judge_note",
    "judge_words",
    "judging_words",
    "late_sentence",
    "long_date",
    "main_finding",
    "models",
    "money",
    "other_judge_sentence",
    "passport_sentence",
    "percent",
    "plain",
    "probability",
    "question_words",
    "rate",
    "reading",
    "release_sentence",
    "sentence",
    "shown_notes",
    "stability_notes",
    "stratum_words",
    "strength",
    "sway_sentences",
    "texts",
    "upper_first",
]
