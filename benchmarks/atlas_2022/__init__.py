"""What kinds of cards the Hub of 15 February 2022 had, written out of a warehouse: `docs/atlas-2022.md`."""
