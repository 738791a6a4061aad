-- One row per model worth looking at in $snapshot, at most ten a kind: well documented and unnoticed, or popular and
-- undocumented. No two of a kind share an author or a card. Models of unknown downloads are neither, and a card
-- that $fingerprint could not score is not called undocumented.
with ranked as (
    -- percent_rank gives a tie the place of its lowest: models without a download are all at 0, however many.
    select *, percent_rank() over (order by downloads) as downloads_rank
    from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint and downloads is not null
),
kinds as (
    select 'well documented, unnoticed' as kind, *, score as merit, downloads_rank as luck
    from ranked
    where score is not null and likes = 0 and downloads_rank <= 0.5
    union all
    select 'popular, undocumented', *, downloads_rank, coalesce(score, 0)
    from ranked
    where downloads_rank >= 0.9 and (score < 2 or card_status in ('none', 'empty'))
),
one_an_author as (
    select *
    from kinds
    qualify row_number() over (
        partition by kind, coalesce(author, model_id) order by merit desc, luck, model_id
    ) = 1
),
one_a_card as (
    select *
    from one_an_author
    qualify row_number() over (
        partition by kind, coalesce(card_hash, model_id) order by merit desc, luck, model_id
    ) = 1
)
select
    kind,
    row_number() over (partition by kind order by merit desc, luck, model_id) as place,
    model_id, author, score, card_status, downloads, likes, library_name, pipeline_tag
from one_a_card
qualify place <= 10
order by kind desc, place;
