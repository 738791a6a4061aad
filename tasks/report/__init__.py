"""The report: what a warehouse says about one snapshot as one judge sees it, on one page without a network."""
