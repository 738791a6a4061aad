-- One row per level of comparison that has models with a score by the report's judge, the narrowest first: how many of
-- the latest snapshot are like a model of $library and $pipeline_tag, how many of those score below $score, their
-- median, and the three best documented, one per author. Nulls among the parameters are compared with nothing.
with scored as (
    select leaderboard.*
    from leaderboard
    join base.report_judges using (snapshot, fingerprint)
),
levels as (
    select 1 as narrowness, 'library and pipeline tag' as alike, model_id, author, score, likes
    from scored
    where library_name = $library and pipeline_tag = $pipeline_tag
    union all
    select 2, 'pipeline tag', model_id, author, score, likes
    from scored
    where pipeline_tag = $pipeline_tag
    union all
    select 3, 'library', model_id, author, score, likes
    from scored
    where library_name = $library
    union all
    select 4, 'all', model_id, author, score, likes
    from scored
),
others as (
    select * from levels where model_id is distinct from $model_id
),
best as (
    select narrowness, model_id, score, likes
    from others
    qualify row_number() over (
        partition by narrowness, coalesce(author, model_id) order by score desc, likes desc nulls last, model_id
    ) = 1
)
select
    others.narrowness,
    any_value(others.alike) as alike,
    count(*) as models,
    count_if(others.score < $score) as below,
    median(others.score) as median_score,
    (
        select list(best.model_id order by best.score desc, best.likes desc nulls last, best.model_id)[:3]
        from best
        where best.narrowness = others.narrowness
    ) as best_documented
from others
group by others.narrowness
order by others.narrowness;
