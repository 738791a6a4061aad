-- One row per model of the latest map, in the order of their names. Its neighbours are rows of this table, counted from
-- 0, with their distances: 1 less the cosine, the nearest first.
with placed as (
    select *, row_number() over (order by model_id) - 1 as place
    from out_atlas
),
near as (
    select
        neighbours.model_id,
        list(others.place order by neighbours.place) as ids,
        list(1 - neighbours.similarity order by neighbours.place) as distances
    from out_neighbours as neighbours
    join placed as others on others.model_id = neighbours.neighbour_id
    group by neighbours.model_id
)
select
    placed.model_id,
    placed.x,
    placed.y,
    case
        when placed.kind is null then 'none'
        else coalesce(placed.kind_name, concat('kind ', placed.kind))
    end as kind,
    coalesce(placed.archetype, 'none') as archetype,
    placed.score,
    placed.downloads,
    placed.likes,
    placed.library_name as library,
    placed.model_format as format,
    placed.words,
    -- A name comes from a stranger: encoded, it cannot leave the path of this address. Models of a corpus have no page.
    case
        when snapshots.hub = 'the Hugging Face Hub' then 'https://huggingface.co/'
        when regexp_full_match(snapshots.hub, 'https?://[A-Za-z0-9_.:\[\]-]+(/[A-Za-z0-9_./~-]*)?') then concat(snapshots.hub, '/')
    end || replace(url_encode(placed.model_id), '%2F', '/') as url,
    {'ids': coalesce(near.ids, []), 'distances': coalesce(near.distances, [])} as neighbours
from placed
join base.snapshots as snapshots using (snapshot)
left join near using (model_id)
order by placed.place;
