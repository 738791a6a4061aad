"""A card text: parsed, and what can be seen in it."""
