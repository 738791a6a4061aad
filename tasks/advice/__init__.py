"""Advice on one card: what is missing, where, what to write, and how many points it is worth."""
