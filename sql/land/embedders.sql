-- One row per snapshot and embedder.
insert or ignore into base.embedders by name
select * from read_parquet($parts);
