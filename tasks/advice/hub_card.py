"""The card of a model on the Hub, by the same door and with the same bounds as the crawl."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.advice.subject import Subject
from tasks.cards.one_line import one_line
from tasks.clock import utc_now
from tasks.errors import CardUnreadable, UsageError
from tasks.hub.client import hub_at, leave_hub
from tasks.hub.listing import RowMalformed, read_row
from tasks.records import CardRef


def read_model(model_id: str, hub: str) -> Subject:
    """The card of a model of the Hub at this address, with the names of its files.

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
    return Subject(name=model_id, text=read.card_text, model_id=listed.model_id, files=_files(row))


def _files(row: object) -> tuple[str, ...] | None:
    siblings = row.get("siblings") if isinstance(row, Mapping) else None
    if not isinstance(siblings, list):
        return None
    names = (entry.get("rfilename") for entry in siblings[:20_000] if isinstance(entry, Mapping))
    return tuple(name for name in names if isinstance(name, str))
