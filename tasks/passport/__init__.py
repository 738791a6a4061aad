"""The judge's passport: how far a judge agrees with people, with itself, and what sways it."""
