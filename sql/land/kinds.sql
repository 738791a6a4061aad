-- One row per kind and snapshot; of a snapshot's several maps the latest counts.
insert into base.kinds by name
select *
from read_parquet($parts)
qualify rank() over (partition by snapshot order by made_at desc) = 1;
