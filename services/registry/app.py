"""The registry's table of contents: what it serves, what it hears, what runs beside."""

from __future__ import annotations

from services.registry import api, handlers, keys
from services.registry.figures import count
from services.registry.rotation import rotate, tell_keys
from services.registry.settings import RegistrySettings
from services.registry.verbs.placing import PLACE_POINTS, place_points
from services.registry.verbs.retiring import retire
from services.registry.verbs.teams import OVERDUE, overdue
from shared.ask import Question, asking
from shared.erasure import shred
from shared.events import dispatch, intake, notify
from shared.heard import Hears
from shared.http import Room
from shared.retention import retiring
from shared.service import Service
from shared.tidy import tidy

MIB = 1024 * 1024

HEARS = [
    Hears(intake.CallReceived, handlers.take_call),
    Hears(intake.CallTriaged, handlers.take_call),
    Hears(intake.CallUpdated, handlers.take_call),
    Hears(intake.CallLinked, handlers.write_line),
    Hears(intake.CallUnlinked, handlers.write_line),
    Hears(intake.CallHandedOver, handlers.hand_over_call),
    Hears(intake.CallWithdrawn, handlers.end_call),
    Hears(intake.CallClosed, handlers.end_call),
    Hears(intake.CallUnanswered, handlers.write_line),
    Hears(intake.CallErased, handlers.forget_call),
    Hears(intake.BarrierOpened, handlers.open_barrier),
    Hears(intake.BarrierMet, handlers.end_barrier),
    Hears(intake.BarrierUnmet, handlers.end_barrier),
    Hears(dispatch.TripRequested, handlers.take_trip),
    Hears(dispatch.TripChanged, handlers.take_trip),
    Hears(dispatch.TripQueued, handlers.write_line, later=True),
    Hears(dispatch.TripPlanned, handlers.write_line, later=True),
    Hears(dispatch.TripReplanned, handlers.write_line, later=True),
    Hears(dispatch.TripUnassigned, handlers.write_line, later=True),
    Hears(dispatch.TripAtRisk, handlers.write_line, later=True),
    Hears(dispatch.TripCompleted, handlers.end_trip, later=True),
    Hears(dispatch.TripCancelled, handlers.end_trip, later=True),
    Hears(dispatch.AssignmentProposed, handlers.write_line, later=True),
    Hears(dispatch.AssignmentOrdered, handlers.write_line, later=True),
    Hears(dispatch.AssignmentOffered, handlers.write_line, later=True),
    Hears(dispatch.AssignmentAccepted, handlers.write_line, later=True),
    Hears(dispatch.AssignmentDeclined, handlers.write_line, later=True),
    Hears(dispatch.AssignmentDelayed, handlers.write_line, later=True),
    Hears(dispatch.AssignmentExpired, handlers.write_line, later=True),
    Hears(dispatch.AssignmentEnRoute, handlers.write_line, later=True),
    Hears(dispatch.AssignmentAtScene, handlers.write_line, later=True),
    Hears(dispatch.AssignmentLeftScene, handlers.write_line, later=True),
    Hears(dispatch.AssignmentAtDestination, handlers.write_line, later=True),
    Hears(dispatch.AssignmentCleared, handlers.write_line, later=True),
    Hears(dispatch.AssignmentAtBase, handlers.write_line, later=True),
    Hears(dispatch.AssignmentCorrected, handlers.write_line, later=True),
    Hears(dispatch.AssignmentCrewChanged, handlers.write_line, later=True),
    Hears(dispatch.AssignmentReleased, handlers.write_line, later=True),
    Hears(dispatch.AssignmentBackupRequested, handlers.write_line, later=True),
    Hears(dispatch.PatientHandedOver, handlers.write_line, later=True),
    Hears(notify.MessagePlanned, handlers.write_line, later=True),
    Hears(notify.MessageAccepted, handlers.write_line, later=True),
    Hears(notify.MessageDelivered, handlers.write_line, later=True),
    Hears(notify.MessageFailed, handlers.write_line, later=True),
    Hears(notify.MessageAcknowledged, handlers.write_line, later=True),
    Hears(notify.MessageExpired, handlers.write_line, later=True),
    Hears(notify.MessageCancelled, handlers.write_line, later=True),
    Hears(notify.ReplyReceived, handlers.write_line, later=True),
    Hears(notify.RatingGiven, handlers.take_rating, later=True),
]

DUE = {OVERDUE: overdue, PLACE_POINTS: place_points}


QUESTIONS = (
    Question("persons_search", "POST", "/v1/persons/search"),
    Question("codes", "GET", "/v1/codes"),
    Question("withdrawals", "GET", "/v1/withdrawals"),
    Question("withdrawals_acknowledge", "POST", "/v1/withdrawals/acknowledge"),
)
"""What may be asked on ``karuna.<area>.ask.registry.<question>``."""

PAST_KEEPING = retiring(lambda runtime: runtime.settings.retain_people_days, retire)

SERVICE = Service(
    name="registry",
    settings=RegistrySettings,
    routers=api.routers,
    hears=HEARS,
    due=DUE,
    figures=[count],
    beside=[shred, rotate, tell_keys, PAST_KEEPING, asking(QUESTIONS), tidy],
    # Histories: nobody waits for the next line. Of a call hears first who must know it for what comes after.
    patience_s={"intake": 0.1, "dispatch": 0.5, "notify": 0.5},
    linger_s=0.1,
    gives_way=True,
    rooms={
        "/v1/persons/near": Room(body_bytes=8 * MIB, timeout_s=30),
        **{path: Room(body_bytes=1024, timeout_s=None) for path in ("/v1/exports/persons", "/v1/persons/*/copy")},
        "/v1/areas/import": Room(body_bytes=MIB, timeout_s=30),
        "/v1/imports": Room(body_bytes=4 * MIB, timeout_s=60),
        "/v1/imports/*/undo": Room(body_bytes=4096, timeout_s=60),
        "/v1/locations/import": Room(body_bytes=MIB, timeout_s=30),
        "/v1/pictures/": Room(body_bytes=MIB, timeout_s=30),
    },
    prepare=keys.prepare,
)
