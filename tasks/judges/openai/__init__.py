"""A judge model behind any server that speaks OpenAI's chat completions: what it can do, what it costs, how fast."""
