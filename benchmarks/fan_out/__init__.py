"""Ways to fan parts out over worker processes, tried on the same parts and under the same faults."""
