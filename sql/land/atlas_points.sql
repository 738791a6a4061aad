-- One row per text and snapshot; of a snapshot's several maps the latest counts.
insert into base.atlas_points by name
select *
from read_parquet($parts)
qualify rank() over (partition by snapshot order by made_at desc) = 1;
