"""Training loops: where transitions come from, and what happens between chunks of work."""
