"""Intake's rules that a physician or a municipality must be able to read, approve and change."""
