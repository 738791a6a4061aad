-- One row per README of $snapshot still to be read: never read at this commit, nor found for good to be unreadable
-- within this snapshot. Carries the latest card known of the model, so that the Hub can say that it is the same,
-- and how often it was tried in vain.
with known as (
    select model_id, etag, card_hash
    from base.reads
    where status in ('card', 'empty')
    qualify row_number() over (partition by model_id order by read_at desc, part) = 1
)
select
    listing.model_id,
    listing.sha,
    known.etag,
    known.card_hash,
    (select count(*) from base.reads where reads.model_id = listing.model_id and reads.sha = listing.sha) as attempts
from base.listing
left join known using (model_id)
where listing.snapshot = $snapshot
    and listing.has_readme
    and not exists (
        from base.reads
        where reads.model_id = listing.model_id
            and reads.sha = listing.sha
            and (reads.status <> 'failed' or (reads.is_final and reads.snapshot = $snapshot))
    )
order by listing.model_id;
