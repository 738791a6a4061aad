-- One row per text, version of the parser's rules and table of boilerplate; parts of earlier versions know no table.
insert or ignore into base.facts by name
select * replace (coalesce(boilerplate, '') as boilerplate)
from (
    from read_parquet($parts, union_by_name = true)
    union all by name
    select null::varchar as boilerplate, null::bigint as own_words where false
);
