"""intake: takes calls, and sees that none is lost. What it serves, what it hears, what is due, what runs beside."""

from __future__ import annotations

from services.intake import handlers, topic
from services.intake.api import acts, calls, desk, public, reports
from services.intake.desk import prepare
from services.intake.settings import IntakeSettings
from shared import audit
from shared.erasure import shred
from shared.service import Service

SERVICE = Service(
    name="intake",
    settings=IntakeSettings,
    routers=[calls.router, acts.router, desk.router, reports.router, public.router, audit.router],
    hears=handlers.HEARS,
    due=handlers.DUE,
    beside=[topic.listen, shred],
    prepare=prepare,
)
