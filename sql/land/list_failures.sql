-- One row per listing row that could not be read, or a named model that is not there.
insert into base.list_failures by name
select distinct snapshot, subject, reason, detail
from read_parquet($parts);
