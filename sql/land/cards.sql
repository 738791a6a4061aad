-- One row per attempt to read a README.
insert into base.reads by name
select
    * exclude (card_text, filename),
    card_text is not null as has_text,
    filename[length($lake) + 2:] as part
from read_parquet($parts, filename = true);
