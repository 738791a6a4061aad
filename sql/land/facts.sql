-- One row per text and version of the parser's rules.
insert or ignore into base.facts by name
select * from read_parquet($parts);
