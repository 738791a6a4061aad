"""The work: pure functions first, one door per outside thing."""

import os

# Nothing leaves the machine but what was asked for. Libraries read these when they are imported, and nothing of ours
# is imported before this; who wants to be counted sets them otherwise.
NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)
