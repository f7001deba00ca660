"""The four services in the test's own process, each on a real database with something in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from services.dispatch.app import SERVICE as DISPATCH
from services.intake.app import SERVICE as INTAKE
from services.registry.app import SERVICE as REGISTRY
from shared.work import now_utc
from tests.dispatch.conftest import Town as DispatchTown
from tests.dispatch.engine import planning
from tests.harness import Running, service_running
from tests.intake.conftest import take
from tests.notify.conftest import a_town as notify_town
from tests.platform_fixtures import MakeDatabase
from tests.registry.conftest import Call, add, cid, somsri


@asynccontextmanager
async def intake(database: MakeDatabase, folder: Path) -> AsyncIterator[Running]:
    async with service_running(INTAKE, (await database("intake")).dsn, folder) as running:
        for lane in ("emergency", "booked"):
            at = {"at": (now_utc() + timedelta(days=3)).isoformat(), "return_trip": True}
            await take(
                running,
                lane=lane,
                kind="medical" if lane == "emergency" else "transfer",
                caller={"name": "มานี", "phone": "0812345678"},
                patient={"name": "สมศรี", "age": 70},
                location={"landmark": "หน้าวัดกลาง", "tambon_code": "460101"},
                barriers=["vehicle"],
                **({} if lane == "emergency" else {"appointment": at}),
            )
        yield running


@asynccontextmanager
async def dispatch(database: MakeDatabase, folder: Path) -> AsyncIterator[Running]:
    async with service_running(DISPATCH, (await database("dispatch")).dsn, folder) as running:
        town = DispatchTown(running)
        await town.unit(1)
        await town.unit(2)
        await town.call()
        await town.call(lane="booked", severity="green")
        async with planning(running):
            yield running


@asynccontextmanager
async def registry(database: MakeDatabase, folder: Path) -> AsyncIterator[Running]:
    async with service_running(REGISTRY, (await database("registry")).dsn, folder) as running:
        await add(running, name="มานี", national_id=cid(4), phone="0812345678")
        call = await Call(running, patients=[somsri(groups=["bedridden"])]).received()
        await call.barrier("money")
        await call.trip_completed(await call.trip())
        yield running


@asynccontextmanager
async def notify(database: MakeDatabase, folder: Path) -> AsyncIterator[Running]:
    async with notify_town(database, folder) as town:
        call = await town.call(await town.crew(1))
        await town.order(call)
        yield town.service


World = Callable[[MakeDatabase, Path], AbstractAsyncContextManager[Running]]
SERVICES: dict[str, World] = {"intake": intake, "dispatch": dispatch, "registry": registry, "notify": notify}
