-- One row: which models $snapshot is about.
select
    listed,
    top_n,
    top_by,
    sample_n,
    sample_seed,
    named_n,
    coalesce(only_tags, []) as only_tags,
    only_author,
    has_private,
    private_left_out
from base.snapshots
where snapshot = $snapshot;
