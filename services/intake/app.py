"""intake: takes calls, and sees that none is lost. What it serves, what it hears, what is due, what runs beside."""

from __future__ import annotations

from services.intake import handlers
from services.intake.api import calls
from services.intake.desk import prepare
from services.intake.settings import IntakeSettings
from services.intake.verbs.watch import WATCHDOG
from shared import audit
from shared.erasure import shred
from shared.service import Service

SERVICE = Service(
    name="intake",
    settings=IntakeSettings,
    routers=[calls.router, audit.router],
    hears=handlers.HEARS,
    due={WATCHDOG: handlers.watchdog_due},
    beside=[shred],
    prepare=prepare,
)
