"""The Hub: its listing and its cards, read within its quotas."""
