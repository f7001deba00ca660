"""The events of version 1: all of them, under these names, and nothing else."""

from __future__ import annotations

from shared.events.base import TYPES
from shared.streams import HEARS
from tests.events.model_walk import EVENTS

V1 = {
    "intake": """
        call.received call.triaged call.updated call.linked call.unlinked call.handed_over call.withdrawn call.closed
        call.erased call.unanswered barrier.opened barrier.met barrier.unmet
    """,
    "dispatch": """
        trip.requested trip.queued trip.planned trip.replanned trip.changed trip.unassigned trip.at_risk trip.completed
        trip.cancelled run.opened run.closed assignment.proposed assignment.ordered assignment.offered
        assignment.accepted assignment.declined assignment.delayed assignment.expired assignment.en_route
        assignment.at_scene
        assignment.left_scene assignment.at_destination assignment.cleared assignment.at_base assignment.corrected
        assignment.crew_changed assignment.released assignment.backup_requested patient.handed_over unit.on_duty unit.off_duty
        unit.out_of_service unit.contaminated unit.disinfected unit.shared crew.registered crew.changed crew.erased
        crew.certificate_ending
        shift.planned shift.dropped swap.asked swap.answered
        waste.handed_over facility.alerted facility.accepted facility.refused bed.held bed.used bed.released plan.published
        layer.published
    """,
    "registry": """
        person.registered person.matched person.unmatched person.changed person.linked person.unlinked person.unlocked person.erased
        group.joined group.left location.observed location.verified visit.planned visit.cancelled visit.recorded assessment.recorded need.opened need.met
        case.opened task.assigned task.done task.overdue team.invited case.closed agreement.changed coordinator.changed coordinator.erased consent.given
        consent.withdrawn
        application.received card.issued entitlement.granted entitlement.paid item.issued item.returned
        device.requested device.routed device.delivered referral.made referral.answered review.closed
    """,
    "notify": """
        message.planned message.accepted message.delivered message.failed message.acknowledged message.expired
        message.cancelled reply.received rating.given
    """,
}


def test_every_event_of_the_list_exists_and_nothing_else() -> None:
    listed = {f"{service}.{name}.v1" for service, names in V1.items() for name in names.split()}
    assert {event.short_type() for event in EVENTS} == listed


def test_no_noun_is_spoken_by_two_services() -> None:
    """A cursor is kept per noun and id: two services under one noun would share it."""
    nouns = {(event.SERVICE, event.NOUN) for event in EVENTS}
    assert len({noun for _, noun in nouns}) == len(nouns)


def test_who_listens_listens_to_nouns_that_somebody_speaks() -> None:
    spoken = {(event.SERVICE, event.NOUN) for event in EVENTS}
    heard = {(service, noun) for hears in HEARS.values() for service, nouns in hears.items() for noun in nouns}
    assert heard <= spoken


def test_only_erased_events_erase_and_they_are_of_the_roots() -> None:
    erasing = {
        event.short_type() for event in TYPES.values() if event.ERASES and event.__module__.startswith("shared.")
    }
    assert erasing == {
        "intake.call.erased.v1", "registry.person.erased.v1", "registry.coordinator.erased.v1", "dispatch.crew.erased.v1",
    }  # fmt: skip


def test_every_event_says_in_thai_and_english_what_it_means() -> None:
    for event in EVENTS:
        thai, bar, english = (event.__doc__ or "").partition(" | ")
        assert bar, event
        assert english, event
        assert any("ก" <= letter <= "๙" for letter in thai), event
