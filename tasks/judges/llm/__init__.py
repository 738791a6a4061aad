"""Judge models behind servers: the prompt, the answers, the fence around a card, and the servers as one fleet."""
