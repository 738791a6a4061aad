-- Ten models a kind in $snapshot: well documented and unnoticed, popular and undocumented. No two share a card.
with ranked as (
    select
        model_id, author, score, downloads, likes, card_status, library_name, pipeline_tag,
        percent_rank() over (order by coalesce(downloads, 0)) as downloads_rank,
        coalesce(score, 0) as score_or_none
    from scores
    where snapshot = $snapshot and fingerprint = $fingerprint
        and card_status in ('card', 'empty', 'none')
),
kinds as (
    select 'well documented, unnoticed' as kind, *, score as merit, downloads_rank as luck
    from ranked
    where score is not null and coalesce(likes, 0) = 0 and downloads_rank <= 0.5
    union all
    select 'popular, undocumented' as kind, *, downloads_rank as merit, score_or_none as luck
    from ranked
    where downloads_rank >= 0.9 and score_or_none < 2
)
select kind, row_number() over (partition by kind order by merit desc, luck, model_id) as place,
    model_id, author, score, card_status, downloads, likes, library_name, pipeline_tag
from (
    select * from kinds
    qualify row_number() over (partition by kind, author order by merit desc, luck, model_id) = 1
)
qualify place <= 10
order by kind desc, place;
