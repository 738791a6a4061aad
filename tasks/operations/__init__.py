"""Is the machine ready, is the week right, what will it take, how far is it."""
