"""The page of the atlas: every model card of a snapshot on one map, in one file that needs no network."""
