"""Ways to fan parts out over worker processes, tried on the same parts and hurt in the same ways."""
