"""How messages leave: the pool that claims and calls, the channels, breakers and limits."""
