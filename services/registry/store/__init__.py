"""The registry's SQL: literal text, a named constant above one typed function each."""

from services.registry.store import (
    aggregates,
    calls,
    care,
    chain,
    details,
    history,
    households,
    links,
    locations,
    people,
    reviews,
    sealing,
    told,
    visits,
)

__all__ = [
    "aggregates",
    "calls",
    "care",
    "chain",
    "details",
    "history",
    "households",
    "links",
    "locations",
    "people",
    "reviews",
    "sealing",
    "told",
    "visits",
]
