"""The reduced form of the speed benchmarks: what is read, held and done, counted. Never time."""
