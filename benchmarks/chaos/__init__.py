"""Rounds of faults against the real topology, with invariants after each: see docs/chaos.md."""
