-- One row per text of a family; of a snapshot's several parts the latest counts.
insert into base.families by name
select *
from read_parquet($parts)
qualify rank() over (partition by snapshot order by computed_at desc) = 1;
