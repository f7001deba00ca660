"""Dispatch's rules that a municipality or a physician may want to read and change."""
