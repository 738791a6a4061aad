-- One row per completed walk. Parts of earlier versions do not say whether it was late, and none of them was; they say
-- which models were requested in words alone.
insert or ignore into base.snapshots by name
select * replace (
    coalesce(is_late, false) as is_late,
    coalesce(has_private, false) as has_private,
    coalesce(private_left_out, 0) as private_left_out,
    coalesce(top_n, try_cast(regexp_extract(selection, '^top ([0-9]+) by ', 1) as bigint)) as top_n,
    coalesce(top_by, nullif(regexp_extract(selection, '^top [0-9]+ by ([a-z]+)', 1), '')) as top_by,
    coalesce(named_n, try_cast(regexp_extract(selection, '^([0-9]+) named models ', 1) as bigint)) as named_n,
    coalesce(only_tags, regexp_extract_all(selection, ', filter ([^,]+)', 1)) as only_tags,
    coalesce(only_author, nullif(regexp_extract(selection, ', author (.+)$', 1), '')) as only_author
)
from (
    from read_parquet($parts, union_by_name = true)
    union all by name
    select
        null::boolean as is_late,
        null::bigint as top_n,
        null::varchar as top_by,
        null::bigint as sample_n,
        null::bigint as sample_seed,
        null::bigint as named_n,
        null::varchar[] as only_tags,
        null::varchar as only_author,
        null::boolean as has_private,
        null::bigint as private_left_out
    where false
);
