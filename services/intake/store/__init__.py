"""Every SQL statement of intake: a named constant above one typed function."""
