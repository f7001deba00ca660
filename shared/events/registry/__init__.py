"""What the registry says: people, and what is done for them until back to normal.

Only ``person`` is a root with personal data, and even there no name and no identifier travels: nobody who hears
needs them. All else carries ids and codes; points, scores, answers and comments stay with the registry. Kinds
(which need, which card, which group) are private, because they tell of health or hardship.

Aggregates: ``person, case, task, need, visit, assessment, agreement, consent, application, card, entitlement, item,
device, referral, review`` by their own ids; ``group`` by the id of one membership (the group's own would show in
subjects who belongs to it); ``location`` by the id of one observed place.
"""

from shared.events.registry.care import (
    ApplicationReceived,
    AssessmentRecorded,
    CardIssued,
    CaseClosed,
    CaseOpened,
    DeviceDelivered,
    DeviceRequested,
    DeviceRouted,
    EntitlementGranted,
    EntitlementPaid,
    ItemIssued,
    ItemReturned,
    NeedMet,
    NeedOpened,
    ReferralAnswered,
    ReferralMade,
    ReviewClosed,
    TaskAssigned,
    TaskDone,
    VisitRecorded,
)
from shared.events.registry.people import (
    AgreementChanged,
    ConsentGiven,
    ConsentWithdrawn,
    GroupJoined,
    GroupLeft,
    LocationObserved,
    LocationVerified,
    OfPerson,
    PersonChanged,
    PersonErased,
    PersonLinked,
    PersonMatched,
    PersonPrivate,
    PersonRegistered,
    PersonUnlinked,
)

__all__ = [
    "AgreementChanged",
    "ApplicationReceived",
    "AssessmentRecorded",
    "CardIssued",
    "CaseClosed",
    "CaseOpened",
    "ConsentGiven",
    "ConsentWithdrawn",
    "DeviceDelivered",
    "DeviceRequested",
    "DeviceRouted",
    "EntitlementGranted",
    "EntitlementPaid",
    "GroupJoined",
    "GroupLeft",
    "ItemIssued",
    "ItemReturned",
    "LocationObserved",
    "LocationVerified",
    "NeedMet",
    "NeedOpened",
    "OfPerson",
    "PersonChanged",
    "PersonErased",
    "PersonLinked",
    "PersonMatched",
    "PersonPrivate",
    "PersonRegistered",
    "PersonUnlinked",
    "ReferralAnswered",
    "ReferralMade",
    "ReviewClosed",
    "TaskAssigned",
    "TaskDone",
    "VisitRecorded",
]
