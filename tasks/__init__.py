"""The work: pure functions first, one door per outside thing."""
