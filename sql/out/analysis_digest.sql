-- One row: a digest of everything that the findings of $snapshot and $fingerprint are estimated from.
select md5(string_agg(
    md5(concat_ws(
        '|', scores.model_id, scores.author, scores.downloads, scores.likes, scores.score, scores.card_status,
        scores.card_hash, scores.library_name, scores.pipeline_tag, scores.model_format, scores.created_at, scores.parameters,
        facts.facts_version, facts.boilerplate, 'label ' || labels.mark, array_to_string(scores.tags, ' '), array_to_string(scores.base_models, ' ')
    )),
    '' order by scores.model_id
)) as digest
from base.scores
left join cards as facts using (card_hash)
left join labels on labels.card_hash = scores.card_hash and labels.subject = 'score'
where scores.snapshot = $snapshot and scores.fingerprint = $fingerprint;
