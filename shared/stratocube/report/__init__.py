"""A build as one HTML page that needs nothing else: ``stratocube report``."""
