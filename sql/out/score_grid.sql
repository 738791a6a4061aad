-- One row per cell of half-point bins that holds texts which both $fingerprint and $other scored. A bin holds its lower
-- end; the last holds 5 as well.
select
    1 + 0.5 * least(floor((mine.score - 1) / 0.5), 7) as score_low,
    1 + 0.5 * least(floor((theirs.score - 1) / 0.5), 7) as other_low,
    count(*) as n
from base.verdicts as mine
join base.verdicts as theirs using (card_hash)
where mine.fingerprint = $fingerprint
    and theirs.fingerprint = $other
    and mine.score is not null
    and theirs.score is not null
group by all
order by all;
