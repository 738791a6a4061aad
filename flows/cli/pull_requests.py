"""`cardiograph card MODEL --open-pr`: shows a pull request, asks, and opens it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from flows.cli.console import echo
from tasks.cards.one_line import one_line
from tasks.errors import PullRefused, UsageError

if TYPE_CHECKING:
    from tasks.advice.hub_card import HubCard
    from tasks.advice.rule import Notice


def read_for_pull(target: str, hub: str) -> HubCard:
    """The card of the one model that a pull request is for, as the Hub has it now. Raises `UsageError` for a file."""
    from tasks.advice.hub_card import read_hub_card

    if target.startswith((".", "/", "~")) or target.lower().endswith(".md"):
        raise UsageError(
            f"{one_line(target)}: --open-pr changes a card on the Hub; name its model as owner/name"
        )
    return read_hub_card(target.strip(), hub.rstrip("/"))


def offer_pull(card: HubCard, after: str, notices: Sequence[Notice], *, yes: bool) -> None:
    """Show what would change and what the Hub says to it; open the pull request where a person agrees.

    `after`: the new text; `notices`: its reasons. Without `yes` a terminal is asked, and anything else is a dry run.
    Raises `PullRefused` where it cannot be opened, or where it is for a stranger's model and nobody said `yes`.
    """
    from tasks.advice.pulls import open_pull, propose, standing_of
    from tasks.settings import settings

    limits = settings()
    proposal = propose(card, after, notices)
    echo(proposal.diff.rstrip("\n"))
    standing = standing_of(proposal, limits)
    for complaint in standing.complaints:
        echo(f"The Hub's validation, {complaint.severity}: {complaint.message}", err=True)
    name, user = one_line(card.model_id), one_line(standing.user)
    if any(complaint.severity == "error" for complaint in standing.complaints):
        raise PullRefused(f"{name}: the Hub does not take the new card's metadata; see its errors above")
    echo(f"To {card.hub}: a pull request on {name} as {user}, “{proposal.title}”", err=True)
    if not standing.is_own and not yes:
        raise PullRefused(
            f"{name}: not a model of {user} or of an organisation of theirs; look at the diff, then add --yes if its "
            "owner will want it"
        )
    if not yes and not sys.stdin.isatty():
        echo("Nothing was sent: without a terminal to ask on, only --yes sends it.", err=True)
        return
    if not yes and not typer.confirm("Open this pull request?", default=False, err=True):
        echo("Nothing was sent.", err=True)
        return
    echo(f"Opened {open_pull(proposal, limits)}")
