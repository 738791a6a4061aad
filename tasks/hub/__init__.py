"""The Hub: asked for its listing and its cards, within its quotas."""
