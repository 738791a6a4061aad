-- One row per model and snapshot up to $snapshot, as judged by $fingerprint, of the snapshots of the same selection: what
-- an event study of card edits is estimated from. is_edited: the card differs from that of the model's snapshot before.
-- is_documented: and it scores higher by a level or more, fills a section that it did not, or is the model's first card.
-- Of the last 26 weeks, and of at most 50,000 models whose card was edited and 50,000 others, drawn by their names: more
-- would narrow nothing.
with history as (
    select
        scores.snapshot,
        scores.model_id,
        coalesce(scores.author, scores.model_id) as author,
        scores.downloads,
        scores.downloads_all_time,
        scores.likes,
        scores.score,
        scores.card_status,
        scores.card_hash,
        age_days(scores.created_at, scores.last_modified, scores.snapshot) as age_days,
        facts.sections
    from base.scores
    left join cards as facts using (card_hash)
    where scores.fingerprint = $fingerprint
        and scores.snapshot between $snapshot - interval 26 weeks and $snapshot
        and scores.snapshot in (
            select snapshot from base.snapshots
            where selection = (select selection from base.snapshots where snapshot = $snapshot)
        )
        -- Itself it is hidden as long as no gate has measured it.
        and (scores.snapshot = $snapshot or scores.snapshot not in (select snapshot from base.hidden))
),
beside as (
    select
        *,
        lag(card_status) over before as status_before,
        lag(card_hash) over before as hash_before,
        lag(score) over before as score_before,
        lag(sections) over before as sections_before
    from history
    window before as (partition by model_id order by snapshot)
),
edits as (
    select
        *,
        card_status = 'card' and status_before = 'card' and card_hash <> hash_before as is_edited,
        (
            is_edited
            and (
                score >= score_before + 1
                or len(list_filter(sections, lambda section: not list_contains(sections_before, section))) > 0
            )
        ) or (card_status = 'card' and status_before in ('none', 'empty')) as is_documented
    from beside
),
drawn as (
    select
        model_id,
        row_number() over (
            partition by coalesce(bool_or(is_edited or is_documented), false) order by md5(model_id)
        ) as place
    from edits
    group by model_id
)
select
    snapshot,
    model_id,
    author,
    age_days,
    downloads,
    downloads_all_time,
    likes,
    is_edited,
    is_documented
from edits
semi join (from drawn where place <= 50_000) using (model_id)
order by model_id, snapshot;
