"""Services outside the topology that it talks to: a Hub, and a judge model's server."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from deployments.native.layout import Layout
from deployments.native.service import Service
from tasks.engine.child import answers
from tasks.replica.serving import Serving


def hub(layout: Layout, serving: Serving) -> Service:
    """A replica of the Hub, always on the same port, so that it can be restarted."""
    here = replace(serving, corpus=serving.corpus.resolve(), port=layout.ports["hub"])
    return Service(
        name="hub",
        command=[sys.executable, "-m", "tasks.replica", here.to_json()],
        folder=layout.folder_of("hub"),
        is_ready=partial(answers, f"http://{layout.address('hub')}/-/replica/stats"),
    )


def judge(layout: Layout, name: str, latency_s: float) -> Service:
    """A scripted judge: it answers as the checklist does, but for some noise that is always the same."""
    return Service(
        name=name,
        command=[sys.executable, "-m", "tasks.judges.scripted", str(layout.ports[name]), str(latency_s)],
        folder=layout.folder_of(name),
        is_ready=partial(answers, f"http://{layout.address(name)}/health"),
    )
