"""intake: takes calls, and sees that none is lost. What it serves, what it hears, what is due, what runs beside."""

from __future__ import annotations

from services.intake import handlers, topic
from services.intake.api import acts, calls, desk, public, reports
from services.intake.desk import prepare
from services.intake.figures import unanswered
from services.intake.settings import IntakeSettings
from services.intake.verbs.erase import retire
from shared.ask import Question, asking
from shared.erasure import shred
from shared.retention import retiring
from shared.service import Service
from shared.tidy import tidy

QUESTIONS = (
    Question("calls_search", "POST", "/v1/calls/search"),
    Question("alarms", "GET", "/v1/alarms"),
    Question("codes", "GET", "/v1/codes"),
)
"""What may be asked on ``karuna.<area>.ask.intake.<question>``."""

PAST_KEEPING = retiring(lambda runtime: runtime.settings.retain_calls_days, retire)

SERVICE = Service(
    name="intake",
    settings=IntakeSettings,
    routers=[calls.router, acts.router, desk.router, reports.router, public.router],
    hears=handlers.HEARS,
    due=handlers.DUE,
    beside=[topic.listen, shred, asking(QUESTIONS), tidy, PAST_KEEPING],
    # How far the trips are, and who the patient was: the desk looks every few seconds.
    patience_s={"dispatch": 0.25, "registry": 0.25, "notify": 0.25},
    prepare=prepare,
    figures=[unanswered],
)
