"""The pages to look with, on an embedded stack with real products."""
