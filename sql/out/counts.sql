-- One row: what $snapshot holds, and how much of it $fingerprint has judged. A model without a namespace is its own
-- author; failures are all that the snapshot has, whoever judged; not_found are names that were requested in vain.
select
    count(*) as models,
    count(*) filter (where card_status = 'card') as cards,
    count(*) filter (where card_status = 'empty') as empty,
    count(*) filter (where card_status = 'none') as none,
    count(*) filter (where card_status = 'failed') as failed,
    count(*) filter (where card_status = 'pending') as pending,
    count(distinct coalesce(author, model_id)) as authors,
    count(distinct card_hash) filter (where card_status = 'card') as distinct_texts,
    count(score) as scored_models,
    count(distinct card_hash) filter (where score is not null) as verdicts,
    median(score) as median_score,
    (select count(*) from base.failures where snapshot = $snapshot) as failures,
    (
        select coalesce(map_from_entries(list((reason, n) order by n desc, reason)), map {})
        from (
            select coalesce(reason, 'unknown') as reason, count(*) as n
            from base.failures
            where snapshot = $snapshot
            group by all
        )
    ) as failure_reasons,
    (
        select coalesce(list(subject order by subject), [])
        from base.list_failures
        where snapshot = $snapshot and reason in ('not_found', 'not_an_id')
    ) as not_found
from base.scores
where snapshot = $snapshot and fingerprint = $fingerprint;
