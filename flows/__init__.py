"""The flows, one file each, and the `cardiograph` command."""

import tasks  # noqa: F401 - before any flow imports Prefect, which would report that
