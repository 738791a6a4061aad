-- One row per listing row that could not be read, and per named model that the Hub does not have.
insert into base.list_failures by name
select distinct snapshot, subject, reason, detail
from read_parquet($parts);
