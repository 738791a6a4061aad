-- One row per measure, judge and set of labels.
insert or ignore into base.passports by name
select * from read_parquet($parts);
