-- One row per judge whose weights were learned from labels; the first fit of a fingerprint counts.
insert or ignore into base.fitted_judges by name
select * from read_parquet($parts);
