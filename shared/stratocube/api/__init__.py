"""The REST API: HTTP in, HTTP out. What is asked for is done by workflow and state."""
