"""The findings on the Hub of 15 February 2022, written from a warehouse: `docs/findings-2022.md`.

The prose is `article.md`. Every number in it comes from the warehouse, and so does the check of what a sentence
claims: where it no longer holds, nothing is written.
"""
