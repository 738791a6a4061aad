"""What is no part of the topology but of the world around it: a Hub, and somebody's judge model."""

from __future__ import annotations

import sys
from dataclasses import replace

from deployments.native.layout import Layout
from deployments.native.service import Service, answers
from tasks.replica.serving import Serving


def hub(layout: Layout, serving: Serving) -> Service:
    """A replica of the Hub; always on the same port, so that it can go and come back."""
    here = replace(serving, corpus=serving.corpus.resolve(), port=layout.ports["hub"])
    return Service(
        name="hub",
        command=[sys.executable, "-m", "tasks.replica", here.to_json()],
        folder=layout.folder_of("hub"),
        is_ready=answers(f"http://{layout.address('hub')}/-/replica/stats"),
    )


def judge(layout: Layout, name: str, latency_s: float) -> Service:
    """A server that answers as a judge model's does, at random but always the same."""
    return Service(
        name=name,
        command=[sys.executable, "-m", "tasks.judges.scripted", str(layout.ports[name]), str(latency_s)],
        folder=layout.folder_of(name),
        is_ready=answers(f"http://{layout.address(name)}/health"),
    )
