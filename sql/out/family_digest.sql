-- One row: a digest of the texts that the families of $snapshot are found among by the method of $version; null for none.
select md5(string_agg(card_hash, '' order by card_hash) || $version) as digest
from (select distinct card_hash from base.panel where snapshot = $snapshot and card_status = 'card');
