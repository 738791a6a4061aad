"""The report: one snapshot of a warehouse as one judge scored it, on one page that needs no network."""
