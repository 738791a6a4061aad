-- One row, none where it never judged: how fast the judge $judge, or any of the model $model, went the last time that it
-- judged a hundred texts or more.
select
    rates.snapshot,
    rates.judge,
    rates.texts_per_second / greatest(rates.replicas, 1) as texts_per_second,
    rates.tokens_in_per_text,
    rates.tokens_out_per_text
from judging_rates as rates
join base.judges using (snapshot, fingerprint)
where (rates.judge = $judge or judges.model = $model) and rates.texts >= 100
order by rates.snapshot desc, judges.judged_at desc
limit 1;
