-- One row, none without a snapshot: the latest one that is shown, and the name of its Hub.
select snapshot, hub from snapshots order by snapshot desc limit 1;
