-- One row: the latest published snapshot that has a map; none where there is none.
select
    atlases.snapshot,
    snapshots.hub,
    coalesce(report_judges.judge, 'nobody') as judge,
    embedders.name as embedder,
    atlases.texts,
    (select count(*) from base.atlas where base.atlas.snapshot = atlases.snapshot) as models,
    atlases.placed,
    atlases.fitted_on,
    atlases.drift_share,
    atlases.noise_share,
    atlases.trustworthiness,
    fitted.seeds_ari,
    fitted.samples_ari
from atlases
join snapshots using (snapshot)
left join base.embedders on embedders.snapshot = atlases.snapshot and embedders.embedder = atlases.embedder
left join base.report_judges on report_judges.snapshot = atlases.snapshot
left join base.atlases as fitted on fitted.snapshot = atlases.fitted_on
order by atlases.snapshot desc
limit 1;
