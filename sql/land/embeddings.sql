-- One row a text and embedder, with the part that holds its vector.
insert or ignore into base.embeddings by name
select
    * exclude (vector, filename),
    filename[length($lake) + 2:] as part
from read_parquet($parts, filename = true);
