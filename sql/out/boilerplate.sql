-- One row per sentence that nobody wrote, among the rows of Parquet files $rows (sentence, author, writer, family): one
-- that stands in the cards of $authors authors or more who are as many writers, $share of the authors at least; or in
-- those of $models models of one author or more, of $families families.
with per_author as (
    select
        sentence,
        -- One writer per author: whoever fills in a copied card of their own counts once.
        min(writer) as writer,
        count(*) as models,
        count(distinct family) as families
    from read_parquet($rows)
    group by sentence, author
),
counted as (
    select
        sentence,
        count(*) as authors,
        count(distinct writer) as writers,
        sum(models)::bigint as models,
        bool_or(models >= $models and families >= $families) as is_house
    from per_author
    group by sentence
    having authors >= $authors or is_house
)
select
    sentence,
    not (writers >= $authors and writers >= $share * authors) as is_house,
    authors,
    models
from counted
where counted.is_house or (writers >= $authors and writers >= $share * authors)
order by sentence;
