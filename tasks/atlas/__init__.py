"""The atlas: where each card lies, and what kinds there are."""
