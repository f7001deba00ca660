"""The HTTP face of the registry: thin routes that pass the gate, write the audit row, and call a verb."""

from services.registry.api import (
    agencies,
    agreements,
    areas,
    audits,
    care,
    cases,
    changing,
    consents,
    copies,
    duplicates,
    gaps,
    households,
    imports,
    known,
    locations,
    persons,
    plans,
    reports,
    reviews,
    teams,
    visits,
    why,
)

routers = [
    module.router
    for module in (
        persons,
        copies,
        known,
        duplicates,
        changing,
        households,
        areas,
        imports,
        locations,
        plans,
        visits,
        care,
        gaps,
        reviews,
        teams,
        cases,
        why,
        agencies,
        agreements,
        consents,
        reports,
        audits,
    )
]
"""In the order in which the documentation lists them."""
