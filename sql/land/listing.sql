-- One row per model and snapshot; rows that moved while the listing was walked come twice and land once. Parts of
-- earlier versions have no sample_weight.
insert or ignore into base.listing by name
select * exclude (filename)
from read_parquet($parts, filename = true, union_by_name = true)
qualify row_number() over (partition by snapshot, model_id order by filename) = 1;
