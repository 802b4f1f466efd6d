"""What is written to disk and read back: run folders, parameters, configuration. Nothing that is read can run code."""
