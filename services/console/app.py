"""The console's table of contents: what it shows, what it hears, what runs beside."""

from __future__ import annotations

import asyncio

from services.console.backend import Backend, open_client
from services.console.ears import watch_ears
from services.console.issuer import keep_named, signer
from services.console.live import Hub, hub_of
from services.console.pages import (
    admin,
    admin_accounts,
    admin_fleet,
    admin_letters,
    admin_verify,
    board,
    case_reviews,
    case_tasks,
    cases,
    crew,
    crew_duty,
    crew_tasks,
    desk_routes,
    fleet,
    fleet_cover,
    fleet_people,
    fleet_places,
    fleet_stock,
    fleet_waste,
    here,
    live,
    look,
    messages,
    paper,
    people,
    people_access,
    people_care,
    people_change,
    people_community,
    people_consent,
    people_emergency,
    people_gaps,
    people_home,
    people_import_run,
    people_imports,
    people_links,
    people_matches,
    people_near,
    people_new,
    people_numbers,
    people_pictures,
    people_proposals,
    people_then,
    people_visits,
    people_withdrawals,
    planner,
    promises,
    public,
    reports,
    rides,
    risks,
    sharing,
    signing,
    visits,
)
from services.console.pages import map as map_page
from services.console.picture import forget_old, note
from services.console.settings import ConsoleSettings
from services.console.strip import Strips
from services.console.troubles import furnish
from shared.heard import Message
from shared.http import Room
from shared.service import Runtime, Service
from shared.work import Work

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


async def prepare(runtime: Runtime) -> None:
    settings: ConsoleSettings = runtime.settings
    if settings.demo and settings.http_host not in LOOPBACK:
        raise ValueError("KARUNA_DEMO lets everybody in: only on loopback")
    key = signer(settings.issuer_key_file, settings.issuer_file)
    runtime.parts["signer"] = key
    runtime.parts["backend"] = Backend(settings, key, open_client(settings))
    runtime.parts["hub"] = Hub(runtime)
    runtime.parts["strips"] = Strips(runtime)


async def hear(runtime: Runtime, work: Work, message: Message) -> None:
    """Write the fact down; after the commit the pages of every process hear of it."""
    await note(work, message)
    work.then(hub_of(runtime).announce)


def woken(runtime: Runtime) -> None:
    hub_of(runtime).wake()


async def tail(runtime: Runtime) -> None:
    await hub_of(runtime).tail()
    await asyncio.Event().wait()  # the server is stopping


async def follow_units(runtime: Runtime) -> None:
    await hub_of(runtime).follow_units()
    await asyncio.Event().wait()


SERVICE = Service(
    name="console",
    settings=ConsoleSettings,
    routers=[
        admin.router,
        admin_accounts.router,
        admin_fleet.router,
        admin_letters.router,
        admin_verify.router,
        reports.router,
        signing.router,
        sharing.router,
        case_reviews.router,
        case_tasks.router,
        cases.router,
        people_pictures.router,
        people_links.router,
        people_matches.queue,
        people_visits.router,
        people_gaps.router,
        people_near.router,
        people_community.router,
        people_proposals.router,
        people_home.router,
        people_change.router,
        people_numbers.router,
        people_new.router,
        people_access.glass,
        people_emergency.router,
        people_withdrawals.router,
        people_access.router,
        people_matches.router,
        people_consent.router,
        people_then.router,
        people_care.router,
        people_imports.router,
        people_import_run.router,
        people.router,
        messages.router,
        look.router,
        crew.router,
        crew_duty.router,
        crew_tasks.router,
        visits.router,
        board.router,
        live.router,
        map_page.router,
        paper.router,
        planner.router,
        rides.router,
        fleet_people.router,
        fleet_places.router,
        fleet_waste.router,
        fleet_stock.router,
        fleet_cover.router,
        fleet.router,
        here.router,
        desk_routes.router,
        promises.router,
        risks.router,
        public.router,
    ],
    hears=[],
    every=hear,
    beside=[tail, follow_units, forget_old, keep_named, watch_ears],
    prepare=prepare,
    woken=woken,
    rooms={
        "/people/imports": Room(body_bytes=9 * 1024 * 1024, timeout_s=300),
        "/people/imports/*/undo": Room(body_bytes=4096, timeout_s=300),
        "/visits/pictures/": Room(body_bytes=1024 * 1024, timeout_s=120),
        # The registry's one MiB, and what a form writes around it.
        "/people/*/picture": Room(body_bytes=1024 * 1024 + 4096, timeout_s=120),
        **{path: Room(body_bytes=4096, timeout_s=None) for path in ("/people/imports/export", "/people/*/copy")},
        **{path: Room(body_bytes=1024, timeout_s=None) for path in ("/live", "/desk/live")},
        "/rides/planner/plan": Room(body_bytes=64 * 1024, timeout_s=90),
    },
    furnish=furnish,
)
