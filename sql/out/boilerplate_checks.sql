-- One row per snapshot, by the table that was in use last.
select * from base.boilerplate_checks
qualify row_number() over (partition by snapshot order by version desc) = 1
order by snapshot;
