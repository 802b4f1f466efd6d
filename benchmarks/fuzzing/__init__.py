"""What `python -m benchmarks.fuzzed` is made of: how inputs are damaged, who reads them, and who watches."""
