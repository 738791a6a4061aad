"""The kinds of cards of the Hub of 15 February 2022, from a warehouse: `docs/atlas-2022.md`."""
