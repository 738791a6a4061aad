"""Sentences that nobody wrote: learned from a snapshot, kept in the lake, and looked for in the next ones."""
