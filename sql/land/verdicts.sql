-- One row per text and judge; parts of earlier versions have fewer columns.
insert or ignore into base.verdicts by name
select * from read_parquet($parts, union_by_name = true);
