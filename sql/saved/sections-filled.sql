-- How many card texts fill each section.
select section, count(*) as texts, round(count(*) / (select count(*) from cards), 3) as share
from (select unnest(sections) as section from cards)
group by section
order by texts desc, section;
