"""Storage: the lake, the warehouse, and what is published."""
