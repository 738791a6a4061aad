-- One row per event; of a snapshot's several maps the latest counts.
insert into base.kind_events by name
select *
from read_parquet($parts)
qualify rank() over (partition by snapshot order by made_at desc) = 1;
