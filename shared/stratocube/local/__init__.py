"""The embedded stack: the whole application on this machine, without docker and without an AWS account."""
