-- One row per criterion of up to three texts of $snapshot that $fingerprint has explained: the one it scores best, one
-- in the middle, the one it scores worst. The model is the most downloaded of those that share the text.
with explained as (
    select
        scores.card_hash,
        scores.model_id,
        scores.score
    from base.scores
    where scores.snapshot = $snapshot
        and scores.fingerprint = $fingerprint
        and scores.score is not null
        and exists (
            from explanations
            where explanations.card_hash = scores.card_hash and explanations.fingerprint = $fingerprint
        )
    qualify row_number() over (
        partition by scores.card_hash order by scores.downloads desc nulls last, scores.model_id
    ) = 1
),
placed as (
    select
        *,
        row_number() over (order by score desc, card_hash) as place,
        count(*) over () as texts
    from explained
),
chosen as (
    select
        *,
        case place when 1 then 'best' when texts then 'worst' else 'middle' end as kind
    from placed
    where place in (1, (texts + 1) // 2, texts)
)
select
    chosen.kind,
    chosen.model_id,
    chosen.score,
    explanations.criterion,
    explanations.level,
    explanations.quote,
    explanations.improvement
from chosen
join explanations using (card_hash)
where explanations.fingerprint = $fingerprint
order by chosen.place, explanations.criterion;
