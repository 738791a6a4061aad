-- One row per measure of how $fingerprint answered about $snapshot, whether or not its answers are right: value, null
-- where there is nothing to measure it on; n, of how many texts. $patterns: answers that need no reading, each as the
-- ids of its passed checks, sorted and joined by commas.
-- Measured on one text of each kind that the parser tells apart: a hundred cards of one house form deserve one answer.
-- Rounded, so that the same rows give the same values in any order.
with texts as (
    select
        passed || failed as checks,
        passed,
        array_to_string(list_sort(passed), ',') as answer,
        score
    from (select distinct card_hash from base.panel where snapshot = $snapshot and card_status = 'card')
    join base.latest_facts as facts using (card_hash)
    join base.verdicts as verdicts using (card_hash)
    where verdicts.fingerprint = $fingerprint and verdicts.score is not null and not facts.is_generated
    qualify row_number() over (
        partition by
            facts.sections,
            facts.template,
            floor(log2(facts.own_words + 1)),
            facts.code_blocks > 0,
            facts.tables > 0,
            len(facts.metadata_keys)
        order by card_hash
    ) = 1
),
checked as (
    select * from texts where len(checks) > 0
),
counted as (
    select count(*) as n from checked
),
answers as (
    select count(*) as n, answer in (select unnest($patterns::varchar[])) as is_pattern from checked group by answer
),
passes as (
    select var_pop(len(passed)) as variance from checked
),
asked as (
    select unnest(checks) as check_id, passed from checked
),
shares as (
    select avg(list_contains(passed, check_id)::int) as pass_share from asked group by check_id
)
select 'judging:same_checks' as measure, (select max(n) from answers) / nullif(n, 0) as value, n from counted
union all
select
    'judging:unread_pattern',
    (select coalesce(sum(n) filter (where is_pattern), 0) from answers) / nullif(n, 0),
    n
from counted
union all
-- 0 where each check is a toss from card to card, 1 where it has one answer for all cards.
select 'judging:by_position', (select round(1 - 4 * avg(pass_share * (1 - pass_share)), 6) from shares), n from counted
union all
-- Cronbach's alpha: near 0 where checks are tossed one by one, 1 where a better card passes more of all of them.
select
    'judging:coherence',
    (
        select round(count(*) / nullif(count(*) - 1, 0) * (1 - sum(pass_share * (1 - pass_share)) / nullif(passes.variance, 0)), 6)
        from shares
    ),
    n
from counted, passes
union all
select 'judging:score_spread', round(stddev_pop(score), 6), count(*) from texts
order by measure;
