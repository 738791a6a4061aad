"""`cardiograph card`: one card, its score, what is missing and where, and what its peers do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.cli.completion import complete_model
from flows.cli.console import echo, figure, print_json, print_table
from flows.cli.home import Home
from flows.cli.printing import AsJson, Format
from tasks.cards.one_line import one_line
from tasks.errors import HubError, UsageError, WarehouseError
from tasks.records import DEFAULT_JUDGE
from tasks.settings import OFFICIAL_HUB

if TYPE_CHECKING:
    from tasks.advice.advising import Advice
    from tasks.advice.drafting import CardDraft, DraftGain
    from tasks.advice.peers import Surroundings
    from tasks.advice.rule import Notice
    from tasks.advice.subject import Subject
    from tasks.records import Verdict

_BAR = 12
_CHECKS_SHOWN = 10
_LINES_SHOWN = 5


def card(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="README|FOLDER|MODEL",
            help="A card's file, a folder with a README.md, or a model as owner/name.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ] = None,
    *,
    home: Home,
    org: Annotated[
        str | None, typer.Option(help="All models of this author: which gain most by little work.")
    ] = None,
    judge: Annotated[
        str, typer.Option(help="Who scores: `checklist`, `vllm` or `openai:MODEL`.")
    ] = DEFAULT_JUDGE,
    judge_model: Annotated[str | None, typer.Option(help="The judge model of `vllm` or `openai`.")] = None,
    judge_urls: Annotated[
        list[str] | None, typer.Option("--judge-url", help="Address of the judge's server.")
    ] = None,
    hub: Annotated[str, typer.Option(help="Address of the Hub that a model is read from.")] = OFFICIAL_HUB,
    online: Annotated[
        bool,
        typer.Option(help="Read a model from the Hub, even where the home has it; let it validate a file."),
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend in the file what is certain.")] = False,
    draft: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Write a copy that has the missing sections, with what the files tell and questions for the rest.",
            show_default=False,
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what --fix or --draft would change, and change nothing.")
    ] = False,
    open_pr: Annotated[
        bool,
        typer.Option(
            "--open-pr", help="Offer what --fix would change as a pull request on the Hub; asks first."
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Open it without asking, and on a model of somebody else's too."),
    ] = False,
    as_json: AsJson = False,
    output_format: Format = "table",
    profile: Annotated[
        Literal["eu-ai-act", "ml-bom"] | None,
        typer.Option(
            metavar="NAME",
            help="Print the findings by the annexes of the EU AI Act (`eu-ai-act`) or as CycloneDX (`ml-bom`).",
        ),
    ] = None,
) -> None:
    """Score one card, and say what to write where: the publisher's tool.

    \b
    cardiograph card README.md
    cardiograph card ./my-model --fix
    cardiograph card ./my-model --draft DRAFT.md
    cardiograph card my-org/my-model --json | jq '.checks[0]'
    cardiograph card --org my-org
    cardiograph card my-org/my-model --open-pr
    cardiograph card README.md --profile eu-ai-act

    \b
    Needs neither network nor warehouse for a file. With a home that has a
    snapshot, it also says what goes with popularity among similar models,
    and what better documented ones contain. Points: what the score would
    gain by one check more. Rules and their reasons: docs/rules.md. A comment
    `<!-- cardiograph: ignore RULE -->` in the card switches a rule off.
    """
    from tasks.advice.advising import advise

    as_json = as_json or output_format == "json"
    if yes and not open_pr:
        raise UsageError("--yes goes with --open-pr")
    if (target is None) == (org is None):
        raise UsageError("name a README.md, a folder or a model; or --org and an author")
    if org is not None or target is None:
        _print_shelf(home, str(org), as_json=as_json)
        return
    if open_pr:
        if fix or diff or as_json:
            raise UsageError("--open-pr shows its diff and asks: it goes without --fix, --diff and --json")
        _offer_pull(target, hub, home, yes=yes)
        return
    unknown: list[str] = []
    subject = _subject(target, home, hub, unknown, online=online)
    if fix and subject.path is None:
        raise UsageError(f"{one_line(target)}: --fix changes a file; name a README.md or a folder")
    base_cards = _base_cards(subject, home)
    if draft is not None:
        if fix or as_json or judge != DEFAULT_JUDGE:
            raise UsageError("--draft goes with --diff alone: leave out --fix, --json and --judge")
        _draft(subject, base_cards, draft, diff=diff)
        return
    if fix or diff:
        subject = _mended(subject, diff=diff)
        if diff:
            return
    verdict = (
        None if judge == DEFAULT_JUDGE else _verdict(subject, judge, judge_model, judge_urls or [], home)
    )
    advice = advise(subject, verdict=verdict, base_cards=base_cards)
    if online and subject.path:
        advice = _validated(advice, hub, unknown)
    if profile:
        _print_profile(advice, profile, as_json=as_json)
        return
    around = _around(advice, home, unknown)
    if as_json:
        from tasks.advice.form import as_json as form

        print_json(form(advice, around, unknown))
        return
    for line in lines_of(advice, around, unknown):
        echo(line)


def _print_profile(advice: Advice, profile: str, *, as_json: bool) -> None:
    if profile == "ml-bom":
        from importlib.metadata import version

        from tasks.advice.bom import as_ml_bom, as_text, checked

        text = as_text(as_ml_bom(advice, version("cardiograph")))
        if not checked(text):
            echo("Not held against CycloneDX's schema; pip install 'cardiograph[bom]' brings it.", err=True)
        echo(text)
        return
    from tasks.advice.profiles import as_object, eu_ai_act, lines_of_profile

    if as_json:
        print_json(as_object(advice, eu_ai_act()))
        return
    for line in lines_of_profile(advice, eu_ai_act()):
        echo(line)


def _subject(target: str, home: Path, hub: str, unknown: list[str], *, online: bool) -> Subject:
    """The card that a person means: of a file, of the home's latest snapshot, or of the Hub."""
    from tasks.advice.subject import is_path, read_path

    if is_path(target):
        return read_path(target)
    if not online and (home / "warehouse.duckdb").exists():
        from tasks.advice.peers import card_in

        try:
            if subject := card_in(home, target.strip()):
                return subject
        except (UsageError, WarehouseError) as error:
            unknown.append(str(error))
    from tasks.advice.hub_card import read_model

    return read_model(target.strip(), hub.rstrip("/"))


def _offer_pull(target: str, hub: str, home: Path, *, yes: bool) -> None:
    """Offer what is certain to be mended in a model's card as a pull request."""
    from flows.cli.pull_requests import offer_pull, read_for_pull
    from tasks.advice.advising import advise
    from tasks.advice.fixing import edited, fixes_of

    card = read_for_pull(target, hub)
    advice = advise(card.subject, base_cards=_base_cards(card.subject, home))
    reasons = [notice for notice in advice.notices if notice.fix]
    offer_pull(card, edited(card.subject.text, fixes_of(reasons)), reasons, yes=yes)


def _validated(advice: Advice, hub: str, unknown: list[str]) -> Advice:
    """The advice with what the Hub's own validation finds; else why it is not known is added to `unknown`."""
    from dataclasses import replace

    from tasks.advice.pulls import validation_notices
    from tasks.advice.rules import HUB_RULE
    from tasks.settings import settings

    if HUB_RULE in advice.ignored:
        return advice
    try:
        found = validation_notices(advice.subject.text, hub, settings())
    except HubError as error:
        unknown.append(f"the Hub's own validation: {error}")
        return advice
    notices = sorted([*advice.notices, *found], key=lambda notice: notice.line)
    return replace(advice, notices=notices)


def _base_cards(subject: Subject, home: Path) -> dict[str, dict[str, object]]:
    """The metadata of the base models that the card names, as far as the home knows them."""
    from tasks.cards.front_matter import split_front_matter

    bases = split_front_matter(subject.text)[0].metadata.get("base_model")
    names = [name for name in (bases if isinstance(bases, list) else [bases])[:20] if isinstance(name, str)]
    if not names or not (home / "warehouse.duckdb").exists():
        return {}
    from tasks.advice.peers import base_cards_in

    try:
        return base_cards_in(home, names)
    except (UsageError, WarehouseError):
        return {}  # `_around` says why the home cannot be read


def _mended(subject: Subject, *, diff: bool) -> Subject:
    """The card with what is certain mended, in its file unless `diff`, and what was changed printed."""
    from dataclasses import replace

    from tasks.advice.advising import advise
    from tasks.advice.fixing import difference, edited, fixes_of

    advice = advise(subject)
    text = edited(subject.text, fixes_of(advice.notices))
    changes = difference(subject.text, text, "README.md")
    if not changes:
        echo("Nothing that is certain is left to mend.", err=True)
        return subject
    if diff or subject.path is None:
        echo(changes.rstrip("\n"))
        return subject
    if not subject.is_utf8:
        raise UsageError(f"{subject.path}: not UTF-8; save it as UTF-8 before --fix")
    draft = subject.path.with_name(f".{subject.path.name}.{os.getpid()}.tmp")
    draft.write_bytes(text.encode())
    draft.chmod(subject.path.stat().st_mode)
    draft.replace(subject.path)
    mended = {notice.rule for notice in advice.notices if notice.fix}
    echo(f"Mended in {subject.path}: {', '.join(sorted(mended))}", err=True)
    return replace(subject, text=text)


def _draft(subject: Subject, base_cards: dict[str, dict[str, object]], path: Path, *, diff: bool) -> None:
    """A draft of what the card lacks in a new file, or as a difference, and what it changes about the score."""
    from tasks.advice.drafting import drafted, gain
    from tasks.advice.fixing import difference
    from tasks.advice.rule import read

    if not diff and (path.exists() or path.is_symlink()):
        raise UsageError(f"{path}: exists already; name a new file, or print the draft with --diff")
    reading = read(subject, base_cards)
    made = drafted(reading)
    if made.text == subject.text:
        echo("Nothing is missing that a draft could add.", err=True)
        return
    if diff:
        ended = subject.text if subject.text.endswith("\n") else f"{subject.text}\n"
        echo(difference(ended, made.text, "README.md").rstrip("\n"))
    else:
        try:
            with path.open("xb") as file:
                file.write(made.text.encode(errors="replace"))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; name a file that can be written") from error
        echo(f"Drafted in {path}", err=True)
    for line in draft_lines(made, gain(reading, made)):
        echo(line, err=True)


def _verdict(subject: Subject, judge: str, model: str | None, urls: list[str], home: Path) -> Verdict:
    """The verdict of a judge that is asked over HTTP."""
    from flows.cli.progress_bars import busy
    from tasks.judges import opened_judge, serving, specs_of

    (spec,) = specs_of([judge], model, urls)
    with (
        busy("Starting the judge"),
        serving(spec, home / "judge.log") as ready,
        opened_judge(ready) as opened,
    ):
        (verdict,) = opened.score([subject.card])
    return verdict


def _around(advice: Advice, home: Path, unknown: list[str]) -> Surroundings | None:
    """What the home knows about similar models; else why nothing is known is added to `unknown`."""
    if not (home / "warehouse.duckdb").exists():
        unknown.append(
            f"what similar models do: there is no snapshot in {home}; `cardiograph snapshot` takes one"
        )
        return None
    from tasks.advice.peers import surroundings
    from tasks.cards.front_matter import split_front_matter

    metadata = split_front_matter(advice.subject.text)[0].metadata
    failed = [each.check for each in advice.checks]
    try:
        found = surroundings(home, advice.subject, metadata, advice.score, failed)
    except (UsageError, WarehouseError) as error:
        unknown.append(f"what similar models do: {error}")
        return None
    if found is None:
        unknown.append(f"what similar models do: the warehouse of {home} has no snapshot yet")
    return found


def _print_shelf(home: Path, author: str, *, as_json: bool) -> None:
    from tasks.advice.shelf import STEPS, shelf_of
    from tasks.rubric import load_rubric

    shelf = shelf_of(home, author.strip())
    if as_json:
        print_json(shelf)
        return
    words = {check.id: check.words for check in load_rubric().checks}
    title = f"{one_line(author)}: what {STEPS} checks more would gain, by {shelf.judge or 'no judge'}"
    rows = (
        (
            each.model_id,
            figure(each.score, ".2f"),
            figure(each.gain, "+.2f"),
            figure(each.downloads),
            ", ".join(words[check] for check in each.next_checks) or f"card: {each.card_status}",
        )
        for each in shelf.cards
    )
    print_table(title, "model score> gain> downloads> what", rows)
    if shelf.failing:
        failing = [(words[check], f"{n} of {shelf.scored}") for check, n in shelf.failing[:_CHECKS_SHOWN]]
        print_table("\nOne text for many: checks that most of them fail", "check cards>", failing)


# -------------------------------------------------------------------------------------------------- in words


def lines_of(advice: Advice, around: Surroundings | None, unknown: list[str]) -> Iterator[str]:
    """The advice as lines of text."""
    from tasks.rubric import load_rubric

    name = one_line(advice.subject.name)
    if advice.score is None:
        yield f"{name}: no score by {advice.judge}: {advice.reason or 'unknown'}"
    else:
        yield f"{name}: {advice.score:.2f} of 5 by {_judge(advice.judge)}"
        yield ""
        for criterion in load_rubric().criteria:
            level = advice.criteria[criterion.id]
            yield f"  {criterion.title:<22} {_bar(level)} {level:.1f}"
    if advice.notices:
        yield from ("", "To look at")
        for notices in _alike(advice.notices):
            notice = notices[0]
            places = f"line {notice.line}" if len(notices) == 1 else f"lines {_places(notices)}"
            yield f"  {places:<11} {notice.severity:<8} {one_line(notice.message, 200)}  [{notice.rule}]"
            yield f"              → {one_line(notice.advice, 200)}"
    if advice.checks:
        yield from ("", "What to write, most valuable first")
        for check in advice.checks[:_CHECKS_SHOWN]:
            place = f"line {check.line}" if check.line else "missing"
            yield f"  +{check.points:.2f}  {place:<9} {check.advice}  [{check.check}]"
        if len(advice.checks) > _CHECKS_SHOWN:
            rest = sum(check.points for check in advice.checks[_CHECKS_SHOWN:])
            yield f"  +{rest:.2f}  {len(advice.checks) - _CHECKS_SHOWN} more; --json has them all"
    if around:
        yield from _around_lines(around)
    if unknown:
        yield from ("", "Not known")
        yield from (f"  {one_line(each, 300)}" for each in unknown)


def draft_lines(made: CardDraft, gain: DraftGain) -> Iterator[str]:
    """What a draft inserted, and the scores before and after, as lines of text."""
    from tasks.rubric import load_rubric

    titles = {section.id: section.title for section in load_rubric().sections}
    if made.keys:
        yield f"  front matter   {', '.join(f'{key.key} ({key.source})' for key in made.keys)}"
    if made.filled:
        yield f"  from files     {', '.join(titles[section] for section in made.filled)}"
    if made.asked:
        yield f"  left to you    {', '.join(titles[section] for section in made.asked)}"
    scores = [f"{score:.2f}" if score is not None else "no score" for score in (gain.before, gain.after)]
    yield f"Score by {_judge('checklist')}: {scores[0]} before, {scores[1]} after"
    if not gain.gained:
        yield "No check is newly passed: the draft is longer, and documents the model no better until you answer."
    words = {check.id: check.words for check in load_rubric().checks}
    for verb, checks in (("newly passed", gain.gained), ("no longer passed", gain.lost)):
        yield from (f"  {verb}: {words[check]}  [{check}]" for check in checks)
    if {"own_words", "is_detailed"} & {*gain.gained}:
        yield "  Facts from files count as words too: write a paragraph of your own before you rely on that."
    if "is_readable" in gain.lost:
        yield "  Comments count as markup: answer the questions, or take them out, and the text is readable again."


def _alike(notices: list[Notice]) -> list[list[Notice]]:
    """Notices that say the same of several lines together, in the order of their first lines."""
    found: dict[tuple[str, str], list[Notice]] = {}
    for notice in notices:
        found.setdefault((notice.rule, notice.message), []).append(notice)
    return list(found.values())


def _places(notices: list[Notice]) -> str:
    shown = ", ".join(str(notice.line) for notice in notices[:_LINES_SHOWN])
    return shown if len(notices) <= _LINES_SHOWN else f"{shown} and {len(notices) - _LINES_SHOWN} more"


def _judge(name: str) -> str:
    """A judge that reads what the parser found is told apart: it cannot see what a text says."""
    from tasks.judges.registry import kind_of

    return f"the {name}, which sees structure and not truth" if kind_of(name).reads_evidence else name


def _bar(level: float) -> str:
    full = round((level - 1) / 4 * _BAR)
    return "█" * full + "░" * (_BAR - full)


def _around_lines(around: Surroundings) -> Iterator[str]:
    from tasks.rubric import load_rubric

    words = {check.id: check.words for check in load_rubric().checks}
    if around.peers:
        peers = around.peers
        share = peers.below / peers.models
        like = "all other" if peers.alike == "all" else "the"
        alike = "" if peers.alike == "all" else f" of the same {peers.alike}"
        yield ""
        yield f"Among {like} {peers.models:,} scored models{alike} (snapshot of {around.snapshot})"
        yield f"  {share:.0%} score lower; their median is {peers.median_score:.2f}."
    if around.goes_with:
        yield from ("", "What this card lacks and goes with popularity (it need not cause it)")
        for each in around.goes_with[:5]:
            among = f"{each.n:,} {each.among.removeprefix('all ')}"
            correlation = f"ρ {each.estimate:.2f}, {each.ci_low:.2f} to {each.ci_high:.2f}"
            yield f"  {words[each.check]}: goes with more {each.outcome} among {among} ({correlation})"
    if around.examples:
        yield from (
            "",
            "Better documented and near on the map"
            if around.by_map
            else "Better documented, of the same sort",
        )
        for example in around.examples:
            has = ", ".join(words[check] for check in example.passes[:4])
            more = f", and {len(example.passes) - 4} more" if len(example.passes) > 4 else ""
            yield f"  {one_line(example.model_id)}, {example.score:.2f}{f': {has}{more}' if has else ''}"
            if example.link:
                yield f"    {example.link}"
