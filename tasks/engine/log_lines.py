"""Log lines, which people read in a terminal and in Prefect's pages, without what could drive either."""

from __future__ import annotations

import logging
from typing import Any

from tasks.cards.one_line import harmless


class HarmlessRecord(logging.LogRecord):
    """A record whose message, and whose error, may contain what strangers wrote."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:
            # A formatter takes this text where it is there, and makes its own otherwise.
            self.exc_text = harmless(logging.Formatter().formatException(self.exc_info))

    def getMessage(self) -> str:  # noqa: N802 - the name is logging's
        return harmless(super().getMessage())


def clean_log_lines() -> None:
    """Make every record of this process a harmless one, whoever logs it and wherever it goes."""
    logging.setLogRecordFactory(HarmlessRecord)
