-- One row per text, judge and criterion.
insert or ignore into base.explanations by name
select * from read_parquet($parts);
