"""The registry's SQL: literal text, a named constant above one typed function each."""

from services.registry.store import (
    aggregates,
    areas,
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
    "areas",
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
