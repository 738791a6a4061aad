"""Prefect, and processes that end with their parent."""
