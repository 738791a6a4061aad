"""Prefect's server and schedule, and processes that end with their parent."""
