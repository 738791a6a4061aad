-- Cards of the latest snapshot where a judge fitted to people's labels and the rubric's score differ most in rank.
with ranked as (
    select
        models.model_id,
        fitted.judge,
        fitted.agreement_score,
        verdicts.score as rubric_score,
        percent_rank() over (partition by fitted.fingerprint order by fitted.agreement_score)
        - percent_rank() over (partition by fitted.fingerprint order by verdicts.score) as rank_difference
    from fitted_scores as fitted
    join models using (card_hash)
    join base.verdicts on verdicts.card_hash = fitted.card_hash and verdicts.fingerprint = fitted.base_fingerprint
)
select
    model_id,
    judge,
    round(agreement_score, 2) as agreement_score,
    round(rubric_score, 2) as rubric_score,
    round(rank_difference, 3) as rank_difference
from ranked
order by abs(rank_difference) desc, model_id, judge
limit 40;
