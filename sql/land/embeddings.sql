-- One row per text and embedder, with the part that holds its vectors.
insert or ignore into base.embeddings by name
select
    * exclude (body, metadata, filename),
    filename[length($lake) + 2:] as part
from read_parquet($parts, filename = true);
