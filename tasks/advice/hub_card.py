"""The card of a model on the Hub, by the same door and with the same bounds as the crawl."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.advice.subject import Subject
from tasks.cards.one_line import one_line
from tasks.clock import utc_now
from tasks.errors import CardUnreadable, UsageError
from tasks.hub.client import hub_at, leave_hub
from tasks.hub.listing import RowMalformed, read_row
from tasks.records import CardRef


@dataclass(frozen=True, slots=True)
class HubCard:
    """A card as the Hub at `hub` has it, at one commit of the repository."""

    subject: Subject
    hub: str
    model_id: str
    commit: str


def read_model(model_id: str, hub: str) -> Subject:
    """The card of a model of the Hub at this address, with the names of its files. Raises as `read_hub_card`."""
    return read_hub_card(model_id, hub).subject


def read_hub_card(model_id: str, hub: str) -> HubCard:
    """The card of a model, with the commit that it was read at.

    Raises `UsageError` where there is no such model, or no card that can be read; `HubError` where the Hub fails.
    """
    name = one_line(model_id)
    today = utc_now().date()
    try:
        door = hub_at(hub)
        row = door.model(model_id)
        listed = read_row(row, snapshot=today)
        read = door.read_card(CardRef(listed.model_id, listed.sha), today)
    except (CardUnreadable, RowMalformed) as error:
        raise UsageError(
            f"{name}: no such model on {hub}, or not for you; check its name ({error})"
        ) from error
    finally:
        leave_hub(hub)
    if read.card_text is None:
        why = {"none": "has no README.md", "empty": "has an empty README.md"}.get(
            read.status, f"cannot be read: {read.detail}"
        )
        raise UsageError(f"{name}: {why}; `cardiograph card FOLDER` advises on a card before it is pushed")
    as_utf8 = read.card_text.encode(errors="surrogatepass")
    subject = Subject(
        name=model_id,
        text=read.card_text,
        model_id=listed.model_id,
        files=_files(row),
        is_utf8=hashlib.sha256(as_utf8).hexdigest() == read.card_hash,
    )
    return HubCard(subject, hub, listed.model_id, listed.sha)


def _files(row: object) -> tuple[str, ...] | None:
    siblings = row.get("siblings") if isinstance(row, Mapping) else None
    if not isinstance(siblings, list):
        return None
    names = (entry.get("rfilename") for entry in siblings[:20_000] if isinstance(entry, Mapping))
    return tuple(name for name in names if isinstance(name, str))
