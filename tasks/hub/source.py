"""Where a snapshot is read from: the Hub, another one, or a corpus file behind a replica that is started for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl

from tasks.errors import CorpusInvalid, UsageError
from tasks.settings import OFFICIAL_HUB

DEMO = "demo"
DEMO_MODELS, DEMO_WEEKS, DEMO_SEED = 1000, 8, 7


@dataclass(frozen=True, slots=True)
class Source:
    """The Hub to read, and what the snapshot calls it. A live one tells what is, whatever date is asked for."""

    url: str
    name: str
    is_live: bool = False


def check_hub(hub: str) -> None:
    """Raise `UsageError` where `hub` can be none of: `demo`, an http(s) URL, a corpus file."""
    if hub == DEMO:
        return
    if "://" in hub:
        parts = urlsplit(hub)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--hub {hub}: not an http or https address")
        if parts.username or parts.password:
            raise UsageError("--hub: leave credentials out of the address; a token comes from HF_TOKEN")
        return
    if not Path(hub).is_file():
        raise UsageError(
            f"--hub {hub}: no such file; give demo, an https address or a corpus (see docs/corpus.md)"
        )


def demo_corpus(home: Path) -> Path:
    """The demo corpus in this home, made on first use."""
    from tasks.demo import write_demo_corpus

    path = home / f"demo-{DEMO_MODELS}x{DEMO_WEEKS}-seed{DEMO_SEED}.parquet"
    if not path.exists():
        write_demo_corpus(path, models=DEMO_MODELS, weeks=DEMO_WEEKS, seed=DEMO_SEED)
    return path


def date_of(hub: str, home: Path, as_of: date | None) -> date:
    """The date of a snapshot: as asked for, else a corpus's last, else today's (UTC).

    Raises `CorpusInvalid` for a file that is no corpus, or one that begins later.
    """
    check_hub(hub)
    dates = None if "://" in hub else _dates_in(demo_corpus(home) if hub == DEMO else Path(hub))
    if as_of and dates and as_of < dates[0]:
        raise CorpusInvalid(f"--as-of {as_of}: {hub} begins on {dates[0]}")
    return as_of or (dates[1] if dates else datetime.now(UTC).date())


def _dates_in(corpus: Path) -> tuple[date, date] | None:
    """First and last snapshot of a corpus; null for one that does not date its rows."""
    try:
        rows = pl.scan_parquet(corpus)
        if "snapshot_date" not in rows.collect_schema():
            return None
        dates = rows.select(pl.col("snapshot_date").cast(pl.Date)).collect()["snapshot_date"]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CorpusInvalid(
            f"{corpus}: not a corpus ({str(error).splitlines()[0]}); see docs/corpus.md"
        ) from error
    first, last = dates.min(), dates.max()
    return (first, last) if isinstance(first, date) and isinstance(last, date) else None


@contextmanager
def opened(hub: str, home: Path, as_of: date) -> Iterator[Source]:
    """The Hub that `hub` means; a corpus is served on loopback for as long as the block runs."""
    check_hub(hub)
    if "://" in hub:
        url = hub.rstrip("/")
        with _door(url):
            yield Source(url, "the Hugging Face Hub" if url == OFFICIAL_HUB else url, is_live=True)
        return
    from tasks.replica.process import running_replica

    corpus = demo_corpus(home) if hub == DEMO else Path(hub)
    with running_replica(corpus, as_of=as_of) as url, _door(url):
        yield Source(url, "the demo corpus" if hub == DEMO else f"a replica of {corpus.name}")


@contextmanager
def _door(url: str) -> Iterator[None]:
    from tasks.hub.client import leave_hub

    try:
        yield
    finally:
        leave_hub(url)
