-- One row, none where nothing was judged: the latest judged snapshot that is not quarantined, and its newest judge.
select snapshot, fingerprint
from base.current_judges
where snapshot not in (select snapshot from base.hidden)
order by snapshot desc, judged_at desc, fingerprint
limit 1;
