-- One row per model whose card the judges of $snapshot disagree on most, at most ten, no two of one author or one card:
-- the most downloaded of those that share it. scores is each judge's own, by judge.
with one_a_card as (
    select
        panel.model_id,
        coalesce(panel.author, panel.model_id) as author,
        panel.downloads,
        judge_panel.disagreement,
        judge_panel.score,
        judge_panel.scores
    from judge_panel
    join base.panel using (snapshot, card_hash)
    where judge_panel.snapshot = $snapshot and panel.card_status = 'card' and judge_panel.disagreement > 0
    qualify row_number() over (
        partition by panel.card_hash order by panel.downloads desc nulls last, panel.model_id
    ) = 1
),
one_an_author as (
    select *
    from one_a_card
    qualify row_number() over (
        partition by author order by disagreement desc, downloads desc nulls last, model_id
    ) = 1
)
select model_id, disagreement, score, map_entries(scores) as scores, downloads
from one_an_author
order by disagreement desc, downloads desc nulls last, model_id
limit 10;
