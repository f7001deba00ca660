"""``make bench``: what a user can run to see speed for himself. Nothing here is a test; nothing asserts on time."""
