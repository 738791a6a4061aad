"""Where a snapshot is read from: the official Hub, another Hub, or a corpus file that a replica serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from tasks.clock import utc_now
from tasks.errors import CorpusInvalid, UsageError
from tasks.settings import OFFICIAL_HUB

DEMO = "demo"
_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w./~-]*)?", re.ASCII)
DEMO_CORPUS, HUB_ITSELF = "the demo corpus", "the Hugging Face Hub"  # as snapshots name them
DEMO_MODELS, DEMO_WEEKS, DEMO_SEED = 1000, 8, 7


@dataclass(frozen=True, slots=True)
class Source:
    """The Hub to read, and its name in the snapshot. A live one shows the present, whatever date is requested."""

    url: str
    name: str
    is_live: bool = False


def check_hub(hub: str) -> None:
    """Raise `UsageError` unless `hub` is `demo`, an http(s) URL or a file."""
    if hub == DEMO:
        return
    if "://" in hub:
        parts = urlsplit(hub)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--hub {hub}: not an http or https address")
        if parts.username or parts.password:
            raise UsageError("--hub: leave credentials out of the address; give a token in HF_TOKEN")
        return
    if not Path(hub).is_file():
        raise UsageError(
            f"--hub {hub}: no such file; give demo, an https address or a corpus (see docs/corpus.md)"
        )


def model_pages(hub: str) -> str | None:
    """The address that a model's name follows on its page, by the name of a snapshot's hub.

    None for a corpus: invented models have no page, and those of a file may be anybody's.
    """
    if hub == HUB_ITSELF:
        return f"{OFFICIAL_HUB}/"
    return f"{hub}/" if _ADDRESS.fullmatch(hub) else None


def demo_corpus(home: Path) -> Path:
    """The demo corpus in this home, made on first use."""
    from tasks.demo import write_demo_corpus

    path = home / f"demo-{DEMO_MODELS}x{DEMO_WEEKS}-seed{DEMO_SEED}.parquet"
    if not path.exists():
        write_demo_corpus(path, models=DEMO_MODELS, weeks=DEMO_WEEKS, seed=DEMO_SEED)
    return path


def date_of(hub: str, home: Path, as_of: date | None) -> date:
    """The date of a snapshot: `as_of`, else the last one of a corpus, else today (UTC).

    Raises `CorpusInvalid` for a file that is not a corpus, or a corpus that begins later.
    """
    check_hub(hub)
    if "://" in hub:
        return as_of or utc_now().date()
    from tasks.replica.corpus import snapshots_in

    days = snapshots_in(demo_corpus(home) if hub == DEMO else Path(hub))
    if as_of and days and as_of < days[0]:
        raise CorpusInvalid(f"--as-of {as_of}: {hub} begins on {days[0]}")
    return as_of or (days[-1] if days else utc_now().date())


def models_in(hub: str, home: Path, as_of: date | None) -> int | None:
    """The models that a corpus lists on a date, null for the last one; null for a Hub, which is not asked.

    Raises `UsageError` or `CorpusInvalid` as `date_of` does.
    """
    check_hub(hub)
    if "://" in hub:
        return None
    if hub == DEMO:
        return DEMO_MODELS
    from tasks.replica.corpus import models_on

    return models_on(Path(hub), date_of(hub, home, as_of))


@contextmanager
def opened(hub: str, home: Path, as_of: date) -> Iterator[Source]:
    """The source that `hub` names; a corpus is served on loopback for as long as the block runs."""
    from tasks.hub.client import leave_hub
    from tasks.replica.process import running_replica

    check_hub(hub)
    with ExitStack() as stack:
        if "://" in hub:
            url = hub.rstrip("/")
            source = Source(url, HUB_ITSELF if url == OFFICIAL_HUB else url, is_live=True)
        else:
            corpus = demo_corpus(home) if hub == DEMO else Path(hub)
            url = stack.enter_context(running_replica(corpus, as_of=as_of))
            source = Source(url, DEMO_CORPUS if hub == DEMO else f"a replica of {corpus.name}")
        stack.callback(leave_hub, url)
        yield source
