"""What follows an outcome. Emergencies at least once, routine at most once, whatever a provider does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.notify.channels.base import Accepted, GiveUp, Part, Reason, TryLater, Unknown
from services.notify.rules.outcome import DOUBTFUL, Tried, judge
from services.notify.sending.breaker import FAILURES, Breaker
from services.notify.sending.bucket import Bucket

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)
EMERGENCY = Tried(True, 1, NOW, NOW + timedelta(minutes=10), other_way=True, must_answer=True)
ROUTINE = replace(EMERGENCY, emergency=False, must_answer=False)
TAKEN = Accepted((Part(1, 1, "x"),))


def test_accepted_is_accepted() -> None:
    assert judge(EMERGENCY, TAKEN, NOW).state == "accepted"


def test_an_unknown_emergency_is_sent_again_and_the_other_way_too() -> None:
    verdict = judge(EMERGENCY, Unknown(Reason.NO_ANSWER), NOW)
    assert (verdict.state, verdict.bring_next) == ("ready", True)


def test_an_unknown_routine_message_is_shown_and_nothing_is_repeated() -> None:
    verdict = judge(ROUTINE, Unknown(Reason.NO_ANSWER), NOW)
    assert (verdict.state, verdict.bring_next) == ("unknown", False)


def test_a_failure_for_good_brings_the_other_way_at_once() -> None:
    for reason in (Reason.BAD_ADDRESS, Reason.QUOTA_SPENT, Reason.UNAUTHORISED):
        verdict = judge(ROUTINE, GiveUp(reason), NOW)
        assert (verdict.state, verdict.bring_next) == ("failed", True)


def test_a_spent_reply_token_is_pushed_at_once() -> None:
    verdict = judge(EMERGENCY, GiveUp(Reason.REPLY_TOKEN_SPENT), NOW)
    assert (verdict.state, verdict.due_at, verdict.bring_next) == ("ready", NOW, False)


def test_pauses_grow_and_the_provider_may_ask_for_longer_ones() -> None:
    waits = [
        (judge(replace(EMERGENCY, tries=tries), TryLater(Reason.UNREACHABLE), NOW).due_at - NOW).total_seconds()
        for tries in (1, 2, 3, 4)
    ]
    assert waits == sorted(waits)
    assert waits[0] <= 0.5
    assert judge(EMERGENCY, TryLater(Reason.THROTTLED, 30.0), NOW).due_at == NOW + timedelta(seconds=30)


def test_the_second_failure_brings_the_other_way_and_an_open_breaker_the_first() -> None:
    later = TryLater(Reason.UNREACHABLE)
    assert not judge(EMERGENCY, later, NOW).bring_next
    assert judge(replace(EMERGENCY, tries=2), later, NOW).bring_next
    assert judge(EMERGENCY, later, NOW, breaker_open=True).bring_next


def test_where_no_answer_is_awaited_one_way_takes_over_from_the_other() -> None:
    verdict = judge(replace(ROUTINE, tries=2), TryLater(Reason.UNREACHABLE), NOW)
    assert (verdict.state, verdict.bring_next) == ("failed", True)


def test_expired_tries_end() -> None:
    late = replace(EMERGENCY, expires_at=NOW + timedelta(seconds=0.2))
    assert judge(late, TryLater(Reason.UNREACHABLE), NOW).state == "failed"


later = st.builds(TryLater, st.sampled_from([*DOUBTFUL, Reason.UNREACHABLE, Reason.THROTTLED]))
outcomes = st.one_of(
    later, st.builds(Unknown, st.sampled_from(sorted(DOUBTFUL))), st.builds(GiveUp, st.sampled_from(list(Reason)))
)


@given(st.lists(outcomes, min_size=1, max_size=12), st.booleans())
def test_a_routine_message_once_in_doubt_never_goes_another_way(history, must_answer) -> None:
    tried = replace(ROUTINE, must_answer=must_answer, expires_at=NOW + timedelta(hours=12))
    doubted = False
    for number, outcome in enumerate(history, 1):
        verdict = judge(replace(tried, tries=number), outcome, NOW)
        doubted = (
            doubted or isinstance(outcome, Unknown) or (isinstance(outcome, TryLater) and outcome.reason in DOUBTFUL)
        )
        if doubted:
            assert not verdict.bring_next
            assert verdict.state in {"ready", "unknown"}
        if verdict.state != "ready":
            return
        tried = replace(tried, doubt=verdict.doubt)


@given(st.lists(outcomes, min_size=1, max_size=12))
def test_an_emergency_is_never_given_up_without_the_other_way_being_tried(history) -> None:
    tried, brought = replace(EMERGENCY, expires_at=NOW + timedelta(hours=12)), False
    for number, outcome in enumerate(history, 1):
        verdict = judge(replace(tried, tries=number, doubt=tried.doubt), outcome, NOW)
        brought = brought or verdict.bring_next
        assert verdict.state in {"ready", "failed"}
        if verdict.state == "failed":
            assert brought
            return
        tried = replace(tried, doubt=verdict.doubt)


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.learn(TryLater(Reason.SERVER_ERROR), 0.0)
    assert breaker.wait_s(0.0) is None
    breaker.learn(TryLater(Reason.SERVER_ERROR), 0.0)
    assert breaker.wait_s(0.1) is not None
    assert breaker.wait_s(5.0) is None
    with breaker.trying():
        assert breaker.wait_s(5.0) is not None, "one probe at a time"
        breaker.learn(TryLater(Reason.SERVER_ERROR), 5.0)
    assert breaker.is_open
    assert breaker.pause_s > 2.0
    assert breaker.wait_s(60.0) is None
    breaker.learn(TAKEN, 60.0)
    assert not breaker.is_open


def test_a_probe_that_breaks_off_without_an_outcome_is_no_probe_for_ever() -> None:
    breaker = Breaker(failures=FAILURES, open_until_s=5.0)
    with pytest.raises(ValueError, match="no text"), breaker.trying():
        raise ValueError("no text")
    assert breaker.is_open
    assert breaker.wait_s(5.0) is None


@pytest.mark.parametrize("outcome", [GiveUp(Reason.BAD_ADDRESS), TryLater(Reason.THROTTLED), TAKEN])
def test_what_is_not_the_providers_fault_opens_no_breaker(outcome) -> None:
    breaker = Breaker()
    for _ in range(FAILURES * 3):
        breaker.learn(outcome, 0.0)
    assert not breaker.is_open


def test_emergencies_never_wait_for_the_rate_and_routine_does() -> None:
    bucket = Bucket(10.0)
    for _ in range(10):
        assert bucket.take(1.0, emergency=False) == 0.0
    assert bucket.take(1.0, emergency=False) > 0
    assert all(bucket.take(1.0, emergency=True) == 0.0 for _ in range(20))
    assert bucket.take(1.5, emergency=False) > 0, "what emergencies overdrew is earned back first"
    assert Bucket(None).take(0.0, emergency=False) == 0.0
