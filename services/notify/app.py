"""notify: the only gateway to LINE and SMS. This is its table of contents."""

from __future__ import annotations

from services.notify.api import routers
from services.notify.beside import run_senders, sweep
from services.notify.handlers import assignments, calls, certificates, people, swaps, tasks, trips
from services.notify.handlers.trips import REMINDER, ready_unheard, remind
from services.notify.prepare import prepare
from services.notify.settings import NotifySettings
from services.notify.verbs.ready import UNHEARD
from shared.ask import Question, asking
from shared.events.dispatch import (
    AssignmentAccepted,
    AssignmentAtBase,
    AssignmentAtDestination,
    AssignmentAtScene,
    AssignmentCleared,
    AssignmentCrewChanged,
    AssignmentDeclined,
    AssignmentEnRoute,
    AssignmentExpired,
    AssignmentLeftScene,
    AssignmentOffered,
    AssignmentOrdered,
    AssignmentReleased,
    CrewCertificateEnding,
    CrewChanged,
    CrewErased,
    CrewRegistered,
    SwapAnswered,
    SwapAsked,
    TripAtRisk,
    TripCancelled,
    TripChanged,
    TripCompleted,
    TripPlanned,
    TripReplanned,
    TripRequested,
    UnitOffDuty,
    UnitOnDuty,
)
from shared.events.intake import (
    BarrierOpened,
    CallClosed,
    CallErased,
    CallHandedOver,
    CallReceived,
    CallTriaged,
    CallUpdated,
    CallWithdrawn,
)
from shared.events.registry import (
    CoordinatorChanged,
    CoordinatorErased,
    PersonChanged,
    PersonErased,
    PersonMatched,
    PersonRegistered,
    PersonUnlocked,
    PersonUnmatched,
    TaskAssigned,
    TaskOverdue,
    TeamInvited,
    VisitCancelled,
    VisitPlanned,
)
from shared.heard import Hears
from shared.service import Service
from shared.tidy import tidy

HEARS = [
    Hears(CallReceived, calls.received),
    Hears(CallTriaged, calls.updated),
    Hears(CallUpdated, calls.updated),
    Hears(CallHandedOver, calls.handed_over),
    Hears(CallWithdrawn, calls.withdrawn),
    Hears(CallClosed, calls.closed, later=True),
    Hears(CallErased, calls.erased),
    Hears(BarrierOpened, calls.barrier_opened),
    Hears(TripRequested, trips.requested),
    Hears(TripChanged, trips.requested),
    Hears(TripPlanned, trips.planned),
    Hears(TripReplanned, trips.planned),
    Hears(TripAtRisk, trips.at_risk),
    Hears(TripCompleted, trips.completed, later=True),
    Hears(TripCancelled, trips.cancelled),
    Hears(AssignmentOrdered, assignments.changed),
    Hears(AssignmentOffered, assignments.changed),
    Hears(AssignmentAccepted, assignments.changed, later=True),
    Hears(AssignmentDeclined, assignments.changed),
    Hears(AssignmentExpired, assignments.changed),
    Hears(AssignmentReleased, assignments.changed),
    Hears(AssignmentEnRoute, assignments.changed, later=True),
    Hears(AssignmentAtScene, assignments.changed, later=True),
    Hears(AssignmentLeftScene, assignments.changed, later=True),
    Hears(AssignmentAtDestination, assignments.changed, later=True),
    Hears(AssignmentCleared, assignments.changed, later=True),
    Hears(AssignmentAtBase, assignments.changed, later=True),
    Hears(AssignmentCrewChanged, assignments.crew_changed),
    Hears(CrewRegistered, people.crew_changed),
    Hears(CrewChanged, people.crew_changed),
    Hears(CrewErased, people.crew_erased),
    Hears(CrewCertificateEnding, certificates.ending, later=True),
    Hears(TaskAssigned, tasks.told, later=True),
    Hears(TaskOverdue, tasks.told, later=True),
    Hears(TeamInvited, tasks.told, later=True),
    Hears(VisitPlanned, tasks.visit, later=True),
    Hears(VisitCancelled, tasks.cancelled, later=True),
    Hears(SwapAsked, swaps.changed),
    Hears(SwapAnswered, swaps.changed),
    Hears(UnitOnDuty, people.on_duty),
    Hears(UnitOffDuty, people.off_duty),
    Hears(PersonRegistered, people.person_changed),
    Hears(PersonChanged, people.person_changed),
    Hears(PersonMatched, people.person_matched),
    Hears(PersonUnmatched, people.person_unmatched),
    Hears(PersonUnlocked, people.person_unlocked),
    Hears(CoordinatorChanged, people.coordinator_changed),
    Hears(CoordinatorErased, people.crew_erased),
    Hears(PersonErased, people.person_erased),
]

QUESTIONS = (Question("messages", "GET", "/v1/messages"), Question("codes", "GET", "/v1/codes"))
"""What may be asked on ``karuna.<area>.ask.notify.<question>``."""

SERVICE = Service(
    name="notify",
    settings=NotifySettings,
    routers=routers,
    hears=HEARS,
    due={REMINDER: remind, UNHEARD: ready_unheard},
    beside=[run_senders, sweep, asking(QUESTIONS), tidy],
    # Calls and orders at once; who the patient was may come a little later.
    patience_s={"registry": 0.25},
    linger_s=0.1,
    prepare=prepare,
)
