-- One row per kind, snapshot, who named it and when.
insert or ignore into base.kind_names by name
select * from read_parquet($parts);
