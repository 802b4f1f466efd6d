"""Programs that make every figure quoted in README and docs. Each finished run is a small JSON file in benchmarks/results."""
