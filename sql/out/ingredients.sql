-- One row per model of $snapshot that $fingerprint has scored: what its card contains, and what stands around it.
-- passed holds the checks answered yes; tags leaves out those that the Hub adds by itself. metadata_share is the share of
-- eight fields that are filled: license, language, tags, datasets, model-index, library_name, pipeline_tag, base_model.
-- Conversions are models of the same snapshot that name this one as their base; own_conversions those by its own author.
with scored as (
    select scores.model_id, scores.author, scores.card_hash, scores.tags, scores.library_name, scores.pipeline_tag,
        scores.base_models, verdicts.passed, verdicts.levels
    from base.scores
    join base.verdicts using (card_hash, fingerprint)
    where scores.snapshot = $snapshot and scores.fingerprint = $fingerprint and scores.score is not null
),
linked as (  -- each text once, however many models share it
    select
        card_hash,
        regexp_matches(left(card_text, 200000), '(?i)(huggingface\.co|hf\.co)/spaces/|[\w-]\.hf\.space\b') as has_space,
        regexp_matches(left(card_text, 200000), '(?i)colab\.research\.google\.com/|\.ipynb\b|kaggle\.com/(code|kernels)/') as has_notebook
    from base.texts
    semi join scored using (card_hash)
),
conversions as (
    select
        model_id,
        count(*) filter (where format = 'gguf') as gguf,
        count(*) filter (where format = 'quantised') as quantised,
        count(*) filter (where format = 'onnx') as onnx,
        count(*) filter (where author = split_part(model_id, '/', 1)) as own
    from (
        select distinct unnest(base_models) as model_id, model_id as conversion, author,
            model_format(model_id, tags, library_name) as format
        from base.listing
        where snapshot = $snapshot
    )
    where format in ('gguf', 'quantised', 'onnx') and conversion <> model_id
    group by model_id
)

select
    scored.model_id,
    scored.passed,
    map_keys(scored.levels) as criteria,
    map_values(scored.levels) as levels,
    len(list_filter(scored.tags, lambda tag:
        not starts_with(tag, 'region:') and not starts_with(tag, 'deploy:') and tag not in (
            'autotrain_compatible', 'endpoints_compatible', 'has_space',
            'text-embeddings-inference', 'text-generation-inference'
        )
    )) as tags,
    (
        len(list_intersect(
            coalesce(facts.metadata_keys, []), ['license', 'language', 'tags', 'datasets', 'model-index']
        ))
        + (scored.library_name is not null or coalesce(list_contains(facts.metadata_keys, 'library_name'), false))::integer
        + (scored.pipeline_tag is not null or coalesce(list_contains(facts.metadata_keys, 'pipeline_tag'), false))::integer
        + (len(scored.base_models) > 0 or coalesce(list_contains(facts.metadata_keys, 'base_model'), false))::integer
    ) / 8 as metadata_share,
    linked.has_space,
    linked.has_notebook,
    coalesce(conversions.gguf, 0) as gguf_conversions,
    coalesce(conversions.quantised, 0) as quantised_conversions,
    coalesce(conversions.onnx, 0) as onnx_conversions,
    coalesce(conversions.own, 0) as own_conversions
from scored
left join cards as facts using (card_hash)
left join linked using (card_hash)
left join conversions using (model_id)
order by scored.model_id;
