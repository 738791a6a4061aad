-- One row per measure of a fitted judge, and time of measuring.
insert or ignore into base.fitted_measures by name
select * from read_parquet($parts);
