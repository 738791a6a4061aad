"""Operating it: is the machine ready, is the week plausible, what will it take, what is its state."""
