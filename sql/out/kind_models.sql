-- One row per model of $snapshot whose card $embedder can place: what its kind is described by.
with bases as (
    select distinct unnest(base_models) as model_id from base.panel where snapshot = $snapshot
)
select
    panel.card_hash,
    panel.author,
    panel.tags,
    panel.library_name,
    panel.pipeline_tag,
    panel.model_format,
    coalesce(panel.downloads, 0) as downloads,
    case when cards.is_generated then cards.template end as template,
    bases.model_id is not null as is_base,
    len(panel.base_models) > 0 as has_base
from base.panel
join base.embeddings on embeddings.card_hash = panel.card_hash and embeddings.embedder = $embedder
left join cards on cards.card_hash = panel.card_hash
left join bases on bases.model_id = panel.model_id
where panel.snapshot = $snapshot and panel.card_status = 'card' and embeddings.passages > 0
order by panel.model_id;
