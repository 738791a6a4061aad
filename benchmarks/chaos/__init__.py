"""Rounds of faults against the real topology, with a check of the invariants after each: see docs/chaos.md."""
