"""The atlas: where each card lies, what kinds there are, and what they are called."""

from __future__ import annotations

from prefect import flow

from flows.embed import embed
from tasks.atlas.steps import make_map, name_kinds, plan_naming
from tasks.embedders.steps import embedder_of
from tasks.engine.schedule import dated
from tasks.judges import specs_of
from tasks.judges.steps import judge_servers
from tasks.work.coordinator import coordinating
from tasks.work.orders import Shared
from tasks.work.request import AtlasRequest, EmbedRequest, takes


@flow(flow_run_name=dated("atlas"))
@takes(AtlasRequest)
def atlas(request: AtlasRequest) -> int:
    """Embed a snapshot's new texts, place them on the map, and name new kinds; returns how many texts were embedded.

    Without an `embedder` it is the default one where its libraries are installed; `none` makes no map. A `namer`,
    `vllm` or `vllm:MODEL`, gives kinds better names than their terms do.
    """
    if (embedder := embedder_of(request.embedder)) is None:
        return 0
    with (
        coordinating(request.home, request.snapshot_date, request.crew) as run,
        judge_servers(run) as with_servers,
    ):
        record, texts = embed(**request.of(run).parameters(EmbedRequest, embedder=embedder))
        make_map(run, record.embedder)
        names = [request.namer] if request.namer else []
        namers = specs_of(names, request.judge_model, request.judge_urls, cap=request.cap) if names else []
        for judge in namers:
            if kinds := plan_naming(run, judge):
                name_kinds(run, with_servers(Shared(spec=judge)), kinds)
    return int(texts)
