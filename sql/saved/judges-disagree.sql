-- The thirty cards of the latest snapshot on which its judges disagree most.
select
    any_value(models.model_id order by models.downloads desc nulls last, models.model_id) as model_id,
    count(*) as models,
    round(any_value(judge_panel.disagreement), 2) as disagreement,
    round(any_value(judge_panel.score), 2) as mean_score,
    any_value(judge_panel.scores) as scores
from judge_panel
join models using (snapshot, card_hash)
group by judge_panel.card_hash
order by disagreement desc, model_id
limit 30;
