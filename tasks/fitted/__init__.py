"""Judges fitted to people: weights on a judge's answers, learned from one set of labels, and how well they agree."""
