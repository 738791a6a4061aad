"""What turns a card text into a vector: what of it is read, how that is cut up, and the model that is asked."""
