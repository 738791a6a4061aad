"""Canaries: made-up cards of known quality. A judge that cannot put them in order does not judge.

`texts/LANGUAGE/LEVEL.md`: within a language all cards are of the same invented model, and only the documentation
differs: 1 a form that nobody filled in, 2 a card that says next to nothing, 3 a middling one, 4 an exemplary one.
Length does not decide: some forms and empty words are longer than exemplary cards, and middling cards are short.
"""
