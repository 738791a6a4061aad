"""The LLM judge: an open-weights model behind vLLM's server."""
