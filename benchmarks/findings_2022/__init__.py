"""The findings on the Hub of 15 February 2022, written from a warehouse: `docs/findings-2022.md`.

The prose is `article.md`. Every number in it is asked of the warehouse, and what a sentence claims is asked as well:
where it no longer holds, nothing is written.
"""
