"""What each step does, in the order of the state machine."""
