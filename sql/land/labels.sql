-- One row per text, subject and set of labels.
insert or ignore into base.labels by name
select * from read_parquet($parts);
