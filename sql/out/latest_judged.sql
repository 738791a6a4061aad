-- One row, none where nothing was judged: the latest judged snapshot, and its newest judge.
select snapshot, fingerprint
from base.current_judges
order by snapshot desc, judged_at desc, fingerprint
limit 1;
