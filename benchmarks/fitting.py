"""Whether weights planted in labels are found again, and nothing is found where nothing is.

    python benchmarks/fitting.py [--hub hub-2022-02.parquet] [--draws 20] [--write docs/calibration.md]

Cards of the demo and of a corpus with `model_id` and `card_text` are judged by the checklist. Raters are made up: a
third of the checks matter to them, with weights drawn at random; to the sum of what a card passes come a taste for
each author and logistic noise, and the sum becomes one of five levels, or of two. Each draw has other raters and other
texts, in one setting a third of them by one author. Then the marks are made to mean nothing, in two ways: shuffled,
where each author gets marks of another author, and by taste alone, where raters see the author and not the card.

Printed, as medians of the draws: how well the learned weights correlate with the planted ones over the checks that
vary; the AUC of the planted weights themselves, which nothing can beat by much; that of the fitted judge out of fold,
of the same judge on texts of the other half of the authors, and of the checklist; how often the 95 % interval holds the
third; the mean AUC of marks that mean nothing; and Spearman's rho on a second rater's labels.
With `--hub` also one real reader: `checks_labels*.csv` has one person's answers to every check of 90 cards, and which
fifth the share of checks that they saw passed falls into is taken as their mark.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from benchmarks.checks import texts_of
from tasks.arrays import Floats
from tasks.demo import write_demo_corpus
from tasks.findings.sample import Codes
from tasks.findings.threads import on_one_thread
from tasks.fitted.agreeing import Tried, concordance
from tasks.fitted.evaluating import Material, agreements, transferred
from tasks.fitted.folds import joined
from tasks.fitted.material import direction_of, groups_of, keys_of, material_of, values_of
from tasks.fitted.weighing import Answers, learned
from tasks.judges.checklist import ChecklistJudge
from tasks.passport.attacks import card_text
from tasks.rubric import load_rubric

DEMO = "demo"
BEGIN, END = "<!-- fitting: begin -->", "<!-- fitting: end -->"
CHECKS_THAT_MATTER = 1 / 3
SIGNAL, TASTE = 3.0, 0.5  # spread of the sum over cards and of an author's taste; that of the noise is 1.8
OF_NOTHING = 5  # sets of marks that mean nothing, of each sort and draw: their AUC differs much
CUTS = {5: (0.1, 0.35, 0.65, 0.9), 2: (0.6,)}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Every distinct text of a corpus, grouped over all of it, without marks yet. `keys`: what texts may share."""

    name: str
    material: Material
    keys: list[set[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What labels look like: of which corpus, how many, of how many levels, a third by the largest author or not."""

    corpus: Corpus
    labels: int
    levels: int
    is_heavy: bool = False

    @property
    def words(self) -> str:
        heavy = ", a third by one author" if self.is_heavy else ""
        return f"{self.corpus.name}, {self.labels} labels of {self.levels} levels{heavy}"


@dataclass(frozen=True, slots=True)
class Draw:
    """The figures of one draw; `is_inside`: the interval holds the AUC on new texts, null without an interval."""

    weights: float
    planted: float
    fitted: float
    unseen: float
    judge: float
    is_inside: bool | None
    shuffled: list[float]
    taste: list[float]
    own_rho: float
    other_rho: float
    other_judge_rho: float


def corpus_of(name: str, path: Path) -> Corpus:
    """Read and judge."""
    rows = pl.read_parquet(path, columns=["model_id", "card_text"]).drop_nulls()
    owners: dict[str, set[str]] = {}
    texts = {}
    for model_id, text in rows.filter(pl.col("card_text").str.strip_chars() != "").iter_rows():
        card = card_text(text)
        texts[card.card_hash] = card
        owners.setdefault(card.card_hash, set()).add(model_id.partition("/")[0])
    verdicts = list(ChecklistJudge().score(texts.values()))
    keys = keys_of(list(texts.values()), {of: frozenset(names) for of, names in owners.items()})
    material = Material(
        Answers(values_of(verdicts, "passed"), direction_of(load_rubric())),
        np.array([verdict.score for verdict in verdicts], np.float64),
        np.array([len(text.card_text.split()) for text in texts.values()], np.float64),
        np.zeros(len(texts)),
        joined(keys),
    )
    return Corpus(name, material, keys)


def planted_weights(material: Material, rng: np.random.Generator) -> Floats:
    """One per check: most are 0."""
    checks = material.answers.values.shape[1]
    matters = rng.random(checks) < CHECKS_THAT_MATTER
    return np.asarray(np.where(matters, rng.normal(0.6, 0.8, checks), 0.0))


def planted_marks(material: Material, weights: Floats, levels: int, rng: np.random.Generator) -> Floats:
    """Marks of all texts by raters with these weights."""
    liked = material.answers.values @ weights
    liked = SIGNAL * (liked - liked.mean()) / (liked.std() or 1.0)
    taste = rng.normal(0, TASTE, int(material.groups.max()) + 1)[material.groups]
    seen = liked + taste + rng.logistic(size=len(liked))
    return np.asarray(np.digitize(seen, np.quantile(seen, CUTS[levels])) + 1.0)


def chosen_texts(material: Material, n: int, *, is_heavy: bool, rng: np.random.Generator) -> Codes:
    """Texts at random; with `is_heavy` a third of the largest group."""
    order = rng.permutation(len(material.groups))
    if not is_heavy:
        return np.asarray(order[:n])
    largest = np.bincount(material.groups).argmax()
    own = order[material.groups[order] == largest][: n // 3]
    return np.concatenate([own, order[material.groups[order] != largest][: n - len(own)]])


def shuffled_by_group(material: Material, rng: np.random.Generator) -> Material:
    """The same with other authors' marks: each author draws from the marks of another, who is never the same one.

    What an author's marks have in common stays so. Were labels only moved, the largest author would often meet its own.
    """
    turn = rng.permutation(material.groups.max() + 1)
    source = np.empty_like(turn)
    source[turn] = np.roll(turn, 1)
    own = [material.marks[material.groups == group] for group in range(len(turn))]
    marks = np.array([rng.choice(own[source[group]]) for group in material.groups], np.float64)
    return Material(material.answers, material.scores, material.words, marks, material.groups)


def by_taste(material: Material, rng: np.random.Generator) -> Material:
    """The same with marks of five levels by a taste for each author, and noise."""
    seen = rng.normal(0, 3 * TASTE, int(material.groups.max()) + 1)[material.groups]
    seen = seen + rng.logistic(size=len(seen))
    marks = np.digitize(seen, np.quantile(seen, CUTS[5])).astype(np.float64) + np.float64(1)
    return Material(material.answers, material.scores, material.words, marks, material.groups)


def auc_of_nothing(material: Material, seed: int) -> float:
    """The AUC of the fitted judge out of fold, in one split: many draws are averaged. NaN of one level."""
    if len(np.unique(material.marks)) < 2:
        return np.nan
    return agreements(material, seed, splits=1)[0].estimate.value or np.nan


def auc(marks: Floats, order: Floats) -> float:
    """Over all pairs of texts."""
    alone, fold = np.arange(len(marks)), np.zeros((1, len(marks)), np.int64)
    return (1 + concordance(Tried(marks, alone, fold, order[None], order[None])).value) / 2


@on_one_thread
def drawn(setting: Setting, seed: int) -> Draw:
    """One draw of raters, texts and labels."""
    rng = np.random.default_rng([24, seed, setting.labels, setting.levels])
    everything = setting.corpus.material
    weights = planted_weights(everything, rng)
    marks = planted_marks(everything, weights, setting.levels, rng)
    others = planted_marks(everything, planted_weights(everything, rng), setting.levels, rng)
    # Half of the authors are for labels: those who are left over from a sample would be the small ones.
    is_apart = (rng.random(int(everything.groups.max()) + 1) < 0.5)[everything.groups]
    pool = np.flatnonzero(~is_apart)
    chosen = pool[chosen_texts(everything.of(pool), setting.labels, is_heavy=setting.is_heavy, rng=rng)]
    groups = joined([setting.corpus.keys[text] for text in chosen])
    material, second = (_with(everything, of, chosen, groups) for of in (marks, others))
    found = {(one.scorer, one.measure): one.estimate for one in agreements(material, seed)}
    carried = {(one.scorer, one.measure): one.estimate for one in transferred(material, second, seed)}
    weighing = learned(material.answers, material.marks, material.groups, rng)
    new = rng.permutation(np.flatnonzero(is_apart))[:3000]
    unseen = auc(marks[new], weighing.expected(everything.answers.of(new)))
    estimate = found["fitted", "auc"]
    varies = material.answers.values.std(0) > 0.1
    nothing = [
        [auc_of_nothing(spoil(material, rng), seed) for _ in range(OF_NOTHING)]
        for spoil in (shuffled_by_group, by_taste)
    ]
    return Draw(
        weights=float(np.corrcoef(weighing.model.weights[varies], weights[varies])[0, 1]),
        planted=auc(material.marks, material.answers.values @ weights),
        fitted=estimate.value or np.nan,
        unseen=unseen,
        judge=found["judge", "auc"].value or np.nan,
        is_inside=None
        if estimate.low is None or estimate.high is None
        else estimate.low <= unseen <= estimate.high,
        shuffled=nothing[0],
        taste=nothing[1],
        own_rho=found["fitted", "spearman"].value or np.nan,
        other_rho=carried["fitted", "spearman"].value or np.nan,
        other_judge_rho=carried["judge", "spearman"].value or np.nan,
    )


def _with(material: Material, marks: Floats, chosen: Codes, groups: Codes) -> Material:
    """Some texts with their marks, grouped by what they share among themselves."""
    of = material.of(chosen)
    return Material(of.answers, of.scores, of.words, marks[chosen], groups)


HEAD = (
    "| labels | weights: r | AUC, planted | AUC, out of fold | AUC, new texts | AUC, checklist | interval holds it "
    "| AUC, shuffled | AUC, taste alone | rho, own | rho, other raters | checklist's rho there |\n|"
    + "---|"
    * 12
)


def line(setting: Setting, draws: list[Draw]) -> str:
    """A row of the table."""

    def middle(name: str) -> str:
        return f"{median(getattr(draw, name) for draw in draws):.2f}"

    known = [draw.is_inside for draw in draws if draw.is_inside is not None]
    inside = f"{sum(known)} of {len(known)}"
    nothing = [
        _mean_with_error([auc for draw in draws for auc in getattr(draw, name)])
        for name in ("shuffled", "taste")
    ]
    cells = [middle(name) for name in ("weights", "planted", "fitted", "unseen", "judge")]
    rhos = [middle(name) for name in ("own_rho", "other_rho", "other_judge_rho")]
    return f"| {setting.words} | " + " | ".join([*cells, inside, *nothing, *rhos]) + " |"


def read_by_a_person(hub: Path) -> Material:
    """The cards of the corpus whose checks a person answered; the mark is the fifth by the share that passed."""
    folder = Path(__file__).parent
    answers = pl.concat(
        pl.read_csv(folder / name).select("card", "answer")
        for name in ("checks_labels.csv", "checks_labels_later.csv")
    )
    texts = texts_of(answers["card"].unique().to_list(), [hub])
    shares = answers.filter(pl.col("card").is_in(list(texts))).group_by("card").agg(pl.col("answer").mean())
    shares = shares.sort("card")
    cards = [card_text(texts[card]) for card in shares["card"]]
    verdicts = {verdict.card_hash: verdict for verdict in ChecklistJudge().score(cards)}
    owners = {
        card.card_hash: frozenset({name.partition("/")[0]})
        for card, name in zip(cards, shares["card"], strict=True)
    }
    share = shares["answer"].to_numpy()
    marks = np.digitize(share, np.quantile(share, (0.2, 0.4, 0.6, 0.8))).astype(np.float64) + np.float64(1)
    return material_of(cards, marks, groups_of(cards, owners), verdicts, "passed")


def reader_line(hub: Path) -> str:
    """How well the fitted judge, the checklist and length alone agree with that person, out of fold."""
    material = read_by_a_person(hub)
    found = {one.scorer: one for one in agreements(material, 20) if one.measure == "auc"}

    def words(scorer: str) -> str:
        estimate = found[scorer].estimate
        return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"

    gain = found["judge"].gain
    ends = f" ({gain.low:+.3f} to {gain.high:+.3f})" if gain and gain.low is not None else ""
    return (
        f"One reader's marks of {len(material.marks)} real cards: AUC {words('fitted')} fitted, {words('judge')} the "
        f"checklist, {words('length')} length alone; gain {gain.value if gain else np.nan:+.3f}{ends}."
    )


def settings_of(corpora: list[Corpus]) -> list[Setting]:
    """From few labels to many, of five levels and of two."""
    plain = [
        Setting(corpus, labels, levels)
        for corpus in corpora
        for labels, levels in ((25, 2), (100, 5), (750, 5), (750, 2))
        if corpus.name != DEMO or (labels, levels) == (750, 5)
    ]
    return [*plain, *(Setting(corpus, 750, 5, is_heavy=True) for corpus in corpora[1:])]


def _mean_with_error(values: list[float]) -> str:
    known = np.array([value for value in values if not np.isnan(value)])
    return f"{known.mean():.2f} ± {known.std(ddof=1) / np.sqrt(len(known)):.2f}"


def draws_of(setting: Setting, count: int) -> list[Draw]:
    """Draw by draw, with a line of progress each."""
    draws = []
    for seed in range(count):
        draws.append(drawn(setting, seed))
        print(f"{setting.words}: {seed + 1} of {count}", file=sys.stderr, flush=True)
    return draws


def written(path: Path, table: str) -> None:
    """Replace what stands between the marks of a document."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """Print the table; with `--write` put it into a document too."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hub", type=Path, help="a corpus of real cards")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        write_demo_corpus(Path(folder) / "demo.parquet", models=4000, weeks=1, seed=7, end=date(2026, 11, 16))
        corpora = [corpus_of(DEMO, Path(folder) / "demo.parquet")]
    reader = []
    if options.hub:
        corpora.append(corpus_of("Hub of 2022", options.hub))
        reader = ["", reader_line(options.hub)]
    lines = [HEAD]
    print(HEAD, flush=True)
    for setting in settings_of(corpora):
        lines.append(line(setting, draws_of(setting, options.draws)))
        print(lines[-1], flush=True)
    minutes = (time.monotonic() - began) / 60
    note = (
        f"`benchmarks/fitting.py`, {options.draws} draws each, {datetime.now(UTC):%-d %B %Y}, two shared cores and "
        f"24 GB, {minutes:.0f} minutes."
    )
    print(*reader, note, sep="\n")
    if options.write:
        written(options.write, "\n".join([*lines, *reader, "", note]))


if __name__ == "__main__":
    main()
