"""The atlas: every model card of a snapshot on one map, as one page without a network."""

from tasks.atlas.page.page import AtlasAbout, render_atlas, write_atlas

__all__ = ["AtlasAbout", "render_atlas", "write_atlas"]
