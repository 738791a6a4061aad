-- One row a text and judge.
insert or ignore into base.verdicts by name
select * from read_parquet($parts);
