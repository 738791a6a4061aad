"""The @tasks of the atlas: from vectors in the lake to the map of a snapshot, its kinds, their names, and its page."""

from tasks.atlas.map_steps import make_map
from tasks.atlas.name_steps import name_kinds, plan_naming
from tasks.atlas.page_steps import publish_atlas_page, write_latest_atlas, write_map_picture

__all__ = [
    "make_map",
    "name_kinds",
    "plan_naming",
    "publish_atlas_page",
    "write_latest_atlas",
    "write_map_picture",
]
