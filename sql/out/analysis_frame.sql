-- One row per model of $snapshot, as judged by $fingerprint: what every finding is estimated from. A model without a
-- namespace is its own author; score is null where there is no scorable card, and card_status says why. label is what
-- people say of its card, null where nobody has been asked. They are asked of one text an author at each level of score
-- (sql/labels/sample_by_score.sql), so that a label stands for as many texts as its author has there: label_weight.
with drawn as (
    select
        card_hash,
        floor(any_value(score) + 0.5)::integer as label_level,
        count(*) over (
            partition by min(coalesce(author, model_id)), floor(any_value(score) + 0.5)::integer
        ) as label_weight
    from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint and score is not null
    group by card_hash
)

select
    scores.model_id,
    coalesce(scores.author, scores.model_id) as author,
    scores.downloads,
    scores.likes,
    scores.score,
    scores.card_status,
    scores.card_hash,
    scores.library_name,
    scores.pipeline_tag,
    scores.model_format,
    age_days(scores.created_at, scores.last_modified, scores.snapshot) as age_days,
    scores.parameters,
    -- Of all that are listed, with a card or without.
    count(*) over (partition by coalesce(scores.author, scores.model_id)) as author_models,
    facts.is_generated,
    facts.template,
    facts.words,
    -- What cannot matter for popularity: the length of the model's name.
    length(split_part(scores.model_id, '/', -1)) as name_length,
    facts.sections,
    labels.mark as label,
    drawn.label_level,
    drawn.label_weight
from base.scores
left join cards as facts using (card_hash)
left join drawn using (card_hash)
left join labels on labels.card_hash = scores.card_hash and labels.subject = 'score'
where scores.snapshot = $snapshot and scores.fingerprint = $fingerprint
order by scores.model_id;
