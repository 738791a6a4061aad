"""A pull request on the Hub that changes one card: what it would contain, whether the Hub would take it, opening it.

Nothing is sent before `open_pull`. A pull request starts from the commit at which the card still was as it had been
read, so that its diff is the one that a person saw, whatever happens to the repository meanwhile.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, httpx
from pydantic import SecretStr

from tasks.advice.fixing import difference
from tasks.advice.hub_card import HubCard, read_hub_card
from tasks.advice.rule import Notice, Severity
from tasks.advice.rules import HUB_RULE
from tasks.advice.subject import CARD_BYTES_MAX, CARD_NAME
from tasks.cards.one_line import one_line
from tasks.cards.places import places_of
from tasks.errors import HubError, HubUnreachable, PullRefused, TokenRefused
from tasks.hub.client import token_for
from tasks.hub.library import REFUSALS, bounded_dialogue
from tasks.settings import OFFICIAL_HUB, Settings

_WITHIN_S = 180.0  # for all requests of one step, with the waits between the library's tries
_ANSWER_BYTES_MAX = 2_000_000
_COMPLAINTS_MAX = 50
_PULLS_MAX = 200  # of one's own that are open on one model
_TITLE_CHARACTERS = 120
_NAMED_FIRST = re.compile(r'\W{0,3}"([\w-]{1,80})')
_DOCUMENTATION = "https://huggingface.co/docs/hub/model-cards#model-card-metadata"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request that is not sent yet: `after` in place of the card as it was read."""

    card: HubCard
    after: str
    title: str
    description: str

    @property
    def diff(self) -> str:
        """What it changes."""
        return difference(self.card.subject.text, self.after, CARD_NAME)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the Hub's own validation of a card found."""

    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Who would open a pull request. `is_own`: the model is theirs, or of an organisation of theirs."""

    user: str
    is_own: bool
    complaints: list[Complaint]


def propose(card: HubCard, after: str, notices: Sequence[Notice]) -> Proposal:
    """A pull request with the new text of a card; `notices` are its reasons, and become its words.

    Raises `PullRefused` where nothing changes, or where the card cannot be changed line by line.
    """
    name = one_line(card.model_id)
    if card.subject.text == after:
        raise PullRefused(f"{name}: nothing that is certain is left to mend, so there is nothing to send")
    if not card.subject.is_utf8:
        raise PullRefused(
            f"{name}: its README.md is not UTF-8, and would change as a whole; save it as UTF-8 first"
        )
    if "/" not in card.model_id:
        raise PullRefused(
            f"{name}: a model without an owner takes no pull request from here; edit it on the Hub"
        )
    if len(after.encode(errors="surrogatepass")) > CARD_BYTES_MAX:
        raise PullRefused(f"{name}: the new card is larger than {CARD_BYTES_MAX // 1_000_000} MB; shorten it")
    return Proposal(card, after, _title(notices), _description(card.model_id, notices))


def _title(notices: Sequence[Notice]) -> str:
    rules = sorted({notice.rule for notice in notices})
    title = f"Mend the model card: {', '.join(rules)}"
    if not rules or len(title) > _TITLE_CHARACTERS:
        return "Mend the model card" + (f": {len(rules)} things" if rules else "")
    return title


def _description(model_id: str, notices: Sequence[Notice]) -> str:
    """The reasons, in a block of code: what a card says there mentions nobody, and is no link."""
    reasons = [f"line {each.line}: {each.message}. {each.advice} [{each.rule}]" for each in notices]
    lines = [one_line(reason.replace("`", "'"), 400) for reason in reasons]
    head = f"Proposed with `cardiograph card {model_id} --open-pr`."
    return "\n".join([head, "", "```text", *lines, "```"]) if lines else head


def standing_of(proposal: Proposal, limits: Settings) -> Standing:
    """Ask the Hub whether it would take a pull request, and from whom; changes nothing there.

    Raises `TokenRefused` without a token that may write, `PullRefused` where the repository is missing, gated or
    disabled, takes no discussions, or has this pull request already; `HubUnreachable` or `HubError` otherwise.
    """
    card = proposal.card
    token = _token(card.hub, limits)
    with _asking(card, limits, token):
        api = _api(card.hub, token)
        user, namespaces = _account(api.whoami(), card.hub)
        api.auth_check(card.model_id)
        for pull in islice(
            api.get_repo_discussions(
                card.model_id, author=user, discussion_type="pull_request", discussion_status="open"
            ),
            _PULLS_MAX,
        ):
            if pull.title == proposal.title:
                raise PullRefused(
                    f"{_name(card)}: you have this pull request open already: {_address(card, pull.num)}"
                )
        complaints = _validate(proposal.after, card.hub, token)
    owner = card.model_id.partition("/")[0]
    return Standing(user, owner.casefold() in namespaces, complaints)


def open_pull(proposal: Proposal, limits: Settings) -> str:
    """Open the pull request; returns its address.

    Raises `PullRefused` where the card changed since it was read, and otherwise as `standing_of` does.
    """
    card = proposal.card
    token = _token(card.hub, limits)
    now = read_hub_card(card.model_id, card.hub)
    if now.subject.text != card.subject.text:
        raise _conflict(card)
    change = CommitOperationAdd(CARD_NAME, proposal.after.encode())
    with _asking(card, limits, token, doubt=f"; look at {_address(card)} whether it was opened"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the Hub's validation found was shown before
            made = _api(card.hub, token).create_commit(
                card.model_id,
                [change],
                commit_message=proposal.title,
                commit_description=proposal.description,
                create_pr=True,
                parent_commit=now.commit,
            )
        if made.pr_num is None:
            raise PullRefused(f"{_name(card)}: the Hub has this card already, so there is nothing to send")
        return _address(card, made.pr_num)


def validate(text: str, hub: str, limits: Settings) -> list[Complaint]:
    """What the Hub's validation finds in a card; sent without a token. Raises `HubError`."""
    hub = hub.rstrip("/")
    with _translated(hub, None), bounded_dialogue(hub, limits, _WITHIN_S):
        return _validate(text, hub, None)


def validation_notices(text: str, hub: str, limits: Settings) -> list[Notice]:
    """The same as notices, each at the key of the front matter that it begins with."""
    places = places_of(text)
    first = places.front[0] if places.front else 1

    def line_of(message: str) -> int:
        named = _NAMED_FIRST.match(message)
        return places.keys.get(named[1], first) if named else first

    return [
        Notice(
            HUB_RULE,
            each.severity,
            line_of(each.message),
            f"the Hub's own validation: {each.message}".rstrip("."),
            f"Change it until the Hub takes it; {_DOCUMENTATION} describes the front matter.",
        )
        for each in validate(text, hub, limits)
    ]


def _validate(text: str, hub: str, token: SecretStr | None) -> list[Complaint]:
    """The library keeps what it finds in warnings; so we send its request, and bound the answer."""
    headers = build_hf_headers(token=token.get_secret_value() if token else False, library_name="cardiograph")
    with get_session().stream(
        "POST",
        f"{hub}/api/validate-yaml",
        json={"content": text.encode(errors="replace").decode(), "repoType": "model"},
        headers={**headers, "accept-encoding": "identity"},
    ) as response:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _ANSWER_BYTES_MAX:
                raise HubError(f"{hub}: its answer to a validation is too long; is it a Hub? Check --hub")
        status = response.status_code
    if status not in (200, 400):
        raise HubError(f"{hub} does not validate cards (HTTP {status}); is it a Hub? Check --hub")
    content = json.loads(body)
    if not isinstance(content, dict):
        raise HubError(f"{hub}: its answer to a validation is none; is it a Hub? Check --hub")
    errors = _complaints(content, "errors", "error")
    if status == 400 and not errors:
        errors = [Complaint("error", "refused, and no reason is given")]
    return [*errors, *_complaints(content, "warnings", "warning")]


def _complaints(content: Mapping[str, Any], name: str, severity: Severity) -> list[Complaint]:
    entries = content.get(name)
    messages = [
        entry.get("message") for entry in (entries or [])[:_COMPLAINTS_MAX] if isinstance(entry, Mapping)
    ]
    return [
        Complaint(severity, one_line(" ".join(message.split()), 300))
        for message in messages
        if isinstance(message, str) and message.strip()
    ]


def _token(hub: str, limits: Settings) -> SecretStr:
    token = token_for(hub, limits)
    if token:
        return token
    if hub != OFFICIAL_HUB:
        raise TokenRefused(
            f"{hub} gets no token of this machine, and a pull request needs one; CARDIOGRAPH_TRUSTED_HUBS names Hubs "
            "that may see it"
        )
    raise TokenRefused(
        "a pull request needs a token that may write; log in with `hf auth login`, or set HF_TOKEN"
    )


def _api(hub: str, token: SecretStr) -> HfApi:
    return HfApi(endpoint=hub, token=token.get_secret_value(), library_name="cardiograph")


def _account(profile: Any, hub: str) -> tuple[str, frozenset[str]]:
    """Name and namespaces of an account, these in small letters. Raises `TokenRefused` for a token that only reads."""
    name = profile.get("name") if isinstance(profile, Mapping) else None
    if not isinstance(name, str):
        raise HubError(f"{hub} does not say whose token this is; is it a Hub? Check --hub")
    auth = profile.get("auth")
    token = auth.get("accessToken") if isinstance(auth, Mapping) else None
    if isinstance(token, Mapping) and token.get("role") == "read":
        raise TokenRefused(
            f"the token of {one_line(name)} may only read; make one that may write at {hub}/settings/tokens"
        )
    organisations = profile.get("orgs")
    entries = organisations if isinstance(organisations, list) else []
    names = [name, *(entry.get("name") for entry in entries[:10_000] if isinstance(entry, Mapping))]
    return name, frozenset(each.casefold() for each in names if isinstance(each, str))


def _name(card: HubCard) -> str:
    return one_line(card.model_id)


def _address(card: HubCard, number: int | None = None) -> str:
    return f"{card.hub}/{card.model_id}/discussions" + (f"/{number}" if number is not None else "")


def _conflict(card: HubCard) -> PullRefused:
    return PullRefused(
        f"{_name(card)}: the card changed on the Hub since it was read; run again to see it as it is now"
    )


@contextmanager
def _asking(card: HubCard, limits: Settings, token: SecretStr, *, doubt: str = "") -> Iterator[None]:
    """A dialogue about one card, within its bounds; what the library raises becomes an error of ours."""
    name = _name(card)
    with _translated(card.hub, token, doubt):
        try:
            with bounded_dialogue(card.hub, limits, _WITHIN_S):
                yield
        except GatedRepoError as error:
            raise PullRefused(
                f"{name}: it is gated, and your account has no access; ask for it at {card.hub}/{card.model_id}"
            ) from error
        except DisabledRepoError as error:
            raise PullRefused(
                f"{name}: the Hub has disabled this repository; nothing can be sent to it"
            ) from error
        except RepositoryNotFoundError as error:
            raise PullRefused(
                f"{name}: no such model on {card.hub}, or not for your account; check both"
            ) from error
        except HfHubHTTPError as error:
            if error.response.status_code in (409, 412):
                raise _conflict(card) from error
            message = _message(error, token)
            if re.search(
                r"discussions?\b.{0,40}\bdisabled|disabled\b.{0,40}\bdiscussions?", message, re.IGNORECASE
            ):
                raise PullRefused(
                    f"{name}: its owner has switched off discussions and pull requests"
                ) from error
            raise
        except ValueError as error:
            # The library validates a card once more before it sends it.
            if "Invalid metadata in README.md" not in str(error):
                raise
            raise PullRefused(
                f"{name}: the Hub does not take the new card's metadata; look at its errors"
            ) from error


@contextmanager
def _translated(hub: str, token: SecretStr | None, doubt: str = "") -> Iterator[None]:
    """Errors of the library as errors of ours. Of those that may quote a request only the kind is told."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        problem = f"{hub} refuses (HTTP {status}: {_message(error, token)})"
        if status in (401, 403):
            raise TokenRefused(
                f"{problem}; check the rights of the token at {hub}/settings/tokens"
            ) from error
        raise HubError(f"{problem}{doubt if status >= 500 else ''}") from error
    except OfflineModeIsEnabled as error:
        raise HubUnreachable(f"{hub}: HF_HUB_OFFLINE is set; unset it to ask the Hub") from error
    except (httpx.HTTPError, httpx.InvalidURL, *REFUSALS) as error:
        raise HubUnreachable(
            f"{hub} does not answer ({type(error).__name__}); check the address and the network{doubt}"
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise HubError(
            f"{hub} does not answer as a Hub ({type(error).__name__}); check --hub{doubt}"
        ) from error


def _message(error: HfHubHTTPError, token: SecretStr | None) -> str:
    """The Hub's own words, on one line, without the token if it should repeat it."""
    words = error.response.headers.get("x-error-message") or error.server_message or "no reason given"
    text = " ".join(words.split())
    return one_line(text.replace(token.get_secret_value(), "***") if token else text, 200)
