-- One row per estimate; of a snapshot's several parts the latest counts.
insert into base.findings by name
select *
from read_parquet($parts, union_by_name = true)
qualify rank() over (partition by snapshot, fingerprint order by computed_at desc) = 1;
