"""Whom to send at once: the choice for an emergency, without I/O."""
