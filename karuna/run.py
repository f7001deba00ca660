"""Run one service as N equal processes, kept alive until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
from pathlib import Path

from karuna.local import Local
from karuna.platform.home import Home, port_free


async def run_service(service: str, processes: int, home: Path | None) -> int:
    """Beside an installation that runs already its HTTP port is taken: then the new processes help with the
    background work (relay, events, due things) and answer HTTP on a port of their own.
    """
    place = Home(home)
    local = Local(place, place.ports())
    taken = not port_free(getattr(local.ports, service))
    started = local.start_service(service, processes=processes, port=0 if taken else None)
    where = local.listening_at(service)
    print(f"{service}: {processes} โปรเซส (processes) {where}; Ctrl-C = หยุด (stop)")
    try:
        await asyncio.gather(*(process.supervise(told=print) for process in started))
    finally:
        await local.stop_service(service)
    return 0
