"""The registry's SQL: literal text, a named constant above one typed function each."""

from services.registry.store import calls, chain, history, links, locations, people, sealing

__all__ = ["calls", "chain", "history", "links", "locations", "people", "sealing"]
