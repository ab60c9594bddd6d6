"""A client of the REST API: what the command line and the demo talk through."""
