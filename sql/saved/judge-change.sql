-- How the scores of each judge differ from those of each judge before it, over the texts that both scored.
select
    concat(old_judge, ' ', left(old_fingerprint, 8)) as judge_before,
    concat(judge, ' ', left(fingerprint, 8)) as judge_after,
    count(*) as texts,
    round(avg(difference), 3) as change,
    round(1.96 * stddev_samp(difference) / sqrt(count(*)), 3) as plus_minus,
    round(count(*) filter (where abs(difference) <= 0.5) / count(*), 3) as within_half
from judge_pairs
group by all
order by judge_after, judge_before;
