"""Dispatch's rules: pure functions over facts, with the time passed in."""
