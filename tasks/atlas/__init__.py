"""The atlas: the map of card texts, and the kinds of card on it."""
