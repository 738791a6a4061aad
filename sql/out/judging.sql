-- One row: how $fingerprint judged $snapshot. Shares and counts are of the snapshot's texts that have its verdict,
-- whenever that was given; what it took and how fast it went is of what was judged for this snapshot, a bridge
-- included, and null where nothing had to be. unscored_reasons has the unscored texts by reason, most frequent first.
with texts as (
    select distinct card_hash from base.panel where snapshot = $snapshot and card_status = 'card'
),
answers as (
    select
        count(*) as verdicts,
        count(*) filter (where verdicts.score is null) as unscored,
        count(*) filter (where list_contains(verdicts.flags, 'asked_twice')) as asked_twice,
        count(*) filter (where list_contains(verdicts.flags, 'addresses_a_judge')) as addressing,
        count(*) filter (where verdicts.is_truncated) / nullif(count(verdicts.is_truncated), 0) as truncated_share,
        median(verdicts.card_tokens) as median_card_tokens,
        mode(verdicts.score_mode) as score_mode
    from texts
    join base.verdicts using (card_hash)
    where verdicts.fingerprint = $fingerprint
),
losses as (
    select coalesce(map_from_entries(list((reason, texts) order by texts desc, reason)), map {}) as unscored_reasons
    from (
        select coalesce(verdicts.reason, 'unknown') as reason, count(*) as texts
        from texts
        join base.verdicts using (card_hash)
        where verdicts.fingerprint = $fingerprint and verdicts.score is null
        group by all
    )
)
select
    judges.judge,
    judges.fingerprint,
    -- Where the judge model is served, for a judge that is asked at a provider; null for others.
    if(json_valid(judges.settings), judges.settings ->> '$.provider', null) as provider,
    answers.*,
    losses.unscored_reasons,
    judging_rates.* exclude (snapshot, judge, fingerprint)
from base.judges
cross join answers
cross join losses
left join judging_rates using (snapshot, fingerprint)
where judges.snapshot = $snapshot and judges.fingerprint = $fingerprint;
