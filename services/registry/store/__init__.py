"""The registry's SQL: literal text, a named constant above one typed function each."""

from services.registry.store import (
    aggregates,
    calls,
    care,
    chain,
    history,
    links,
    locations,
    people,
    sealing,
    told,
    visits,
)

__all__ = [
    "aggregates",
    "calls",
    "care",
    "chain",
    "history",
    "links",
    "locations",
    "people",
    "sealing",
    "told",
    "visits",
]
