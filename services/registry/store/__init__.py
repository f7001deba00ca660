"""The registry's SQL: literal text, a named constant above one typed function each."""

from services.registry.store import calls, history, people, sealing

__all__ = ["calls", "history", "people", "sealing"]
