"""Intake's rules: pure functions over facts and data, with the time passed in."""
