"""Who may do what with people's data: one table of roles and routes, and nothing that is not in it.

A route that answers with personal data is ``reads``: its caller must say for which purpose (``Karuna-Purpose``), out
of those the role may have, and the answer leaves an audit row. Registering, and giving somebody a number,
reads as well: it may find that somebody has it already. Protected matters (violence, psychiatric, secret
class) are shown to the three roles of :data:`SEES_PROTECTED` alone; for all others they do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.auth import Role

CALL_TAKER, DISPATCHER, MANAGER, OFFICER, SUPERVISOR, AUDITOR = (
    Role.CALL_TAKER, Role.DISPATCHER, Role.CASE_MANAGER, Role.REGISTRY_OFFICER, Role.SUPERVISOR, Role.AUDITOR,
)  # fmt: skip
DESK: Final = frozenset({CALL_TAKER, DISPATCHER, MANAGER, OFFICER, SUPERVISOR})
CARE: Final = frozenset({MANAGER, OFFICER, SUPERVISOR})
REGISTER: Final = frozenset({OFFICER, SUPERVISOR})
"""Who keeps the register itself."""
GOES: Final = frozenset({Role.VOLUNTEER, Role.CREW})
"""Who is sent, and reads of those to whom they are sent alone."""
FIELD: Final = CARE | GOES
"""Who goes to people's homes and writes down what they find."""
SETS_UP: Final = frozenset({SUPERVISOR, Role.ADMIN})

SEES_PROTECTED: Final = CARE
SEES_WHOLE_NUMBERS: Final = frozenset({OFFICER})
"""Who sees an identifier in full; others see its end, enough to compare with a card."""


@dataclass(frozen=True, slots=True)
class Rule:
    roles: frozenset[Role]
    reads: bool = False
    agencies: bool = False
    """Asks the decision function, so people of other agencies may come; without that it is the municipality's own."""
    by_task: bool = False
    """What somebody is asked to do themselves, so an agency's crews and volunteers may come as well."""
    given: bool = False
    """Of an agency's people each sees and ends what their agency was given, and nothing else."""
    proposes: bool = False
    """An agency's people may write here what is theirs: for a purpose they name, where an agreement opens it."""
    whole: bool = False
    """The work of the whole municipality: not for an account that is held to places."""


ROUTES: Final[dict[str, Rule]] = {
    "POST /v1/persons": Rule(frozenset({CALL_TAKER, MANAGER, OFFICER, SUPERVISOR}), reads=True),
    "POST /v1/persons/alike": Rule(frozenset({CALL_TAKER, MANAGER, OFFICER, SUPERVISOR}), reads=True),
    "POST /v1/persons/search": Rule(DESK, reads=True, agencies=True),
    "GET /v1/persons/{person_id}": Rule(DESK, reads=True, agencies=True),
    "GET /v1/persons/{person_id}/history": Rule(DESK, reads=True, agencies=True),
    "GET /v1/persons/{person_id}/as-known": Rule(CARE, reads=True),
    "GET /v1/persons/{person_id}/looks": Rule(CARE, reads=True),
    "POST /v1/persons/{person_id}/erase": Rule(frozenset({OFFICER, SUPERVISOR, Role.ADMIN})),
    "GET /v1/duplicates": Rule(REGISTER, reads=True),
    "GET /v1/links": Rule(REGISTER, reads=True),
    "POST /v1/duplicates/{pair_id}/review": Rule(REGISTER),
    "POST /v1/persons/{person_id}/link": Rule(REGISTER),
    "POST /v1/persons/{person_id}/unlink": Rule(REGISTER),
    "GET /v1/matches": Rule(REGISTER, reads=True),
    "GET /v1/persons/{person_id}/matches": Rule(DESK, reads=True),
    "GET /v1/matches/{match_id}": Rule(REGISTER, reads=True),
    "POST /v1/matches/{match_id}/confirm": Rule(REGISTER),
    "POST /v1/matches/{match_id}/unmatch": Rule(REGISTER),
    "PATCH /v1/persons/{person_id}": Rule(CARE),
    "POST /v1/persons/{person_id}/contacts": Rule(CARE),
    "POST /v1/persons/{person_id}/contacts/{contact_id}/end": Rule(CARE),
    "POST /v1/persons/{person_id}/contacts/{contact_id}/correct": Rule(CARE),
    "POST /v1/persons/{person_id}/identifiers": Rule(CARE, reads=True),
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/end": Rule(CARE),
    "POST /v1/persons/{person_id}/identifiers/{identifier_id}/correct": Rule(CARE, reads=True),
    "POST /v1/persons/{person_id}/groups": Rule(CARE),
    "POST /v1/persons/{person_id}/groups/{membership_id}/leave": Rule(CARE),
    "POST /v1/persons/{person_id}/disclosure": Rule(frozenset({OFFICER})),
    "GET /v1/disclosures": Rule(REGISTER, reads=True),
    "POST /v1/disclosures/{request_id}/decide": Rule(frozenset({SUPERVISOR})),
    "POST /v1/households": Rule(CARE),
    "GET /v1/households/{household_id}": Rule(DESK, reads=True),
    "POST /v1/households/{household_id}/members": Rule(CARE),
    "POST /v1/households/{household_id}/members/{person_id}/leave": Rule(CARE),
    "POST /v1/households/{household_id}/groups": Rule(CARE),
    "POST /v1/households/{household_id}/groups/{group_id}/leave": Rule(CARE),
    "GET /v1/areas": Rule(frozenset(Role) - {Role.PARTNER}),
    "GET /v1/areas/{code}": Rule(frozenset(Role) - {Role.PARTNER}),
    "POST /v1/areas/import": Rule(frozenset({OFFICER, SUPERVISOR, Role.ADMIN}), whole=True),
    "GET /v1/cases": Rule(DESK, reads=True, agencies=True),
    "GET /v1/cases/{case_id}": Rule(DESK, reads=True, agencies=True),
    "POST /v1/cases": Rule(CARE),
    "POST /v1/cases/{case_id}/close": Rule(CARE),
    "PUT /v1/agencies/{agency_id}": Rule(SETS_UP, whole=True),
    "GET /v1/agencies": Rule(frozenset({*DESK, Role.ADMIN}), agencies=True),
    "PUT /v1/agencies/{agency_id}/coordinators/{coordinator_id}": Rule(SETS_UP, whole=True),
    "POST /v1/agreements": Rule(SETS_UP, whole=True),
    "GET /v1/agreements": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN}), agencies=True),
    "GET /v1/agreements/{agreement_id}": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN}), agencies=True),
    "GET /v1/agreements/{agreement_id}/effect": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN}), agencies=True),
    "POST /v1/agreements/{agreement_id}/sign": Rule(frozenset({SUPERVISOR}), agencies=True, whole=True),
    "POST /v1/agreements/{agreement_id}/end": Rule(frozenset({SUPERVISOR}), agencies=True, whole=True),
    "POST /v1/access/why": Rule(DESK, reads=True, agencies=True),
    "POST /v1/persons/{person_id}/consents": Rule(CARE, reads=True),
    "GET /v1/persons/{person_id}/consents": Rule(CARE, reads=True),
    "POST /v1/consents/{consent_id}/withdraw": Rule(CARE, reads=True),
    "GET /v1/withdrawals": Rule(CARE, reads=True, agencies=True),
    "POST /v1/withdrawals/acknowledge": Rule(CARE, agencies=True),
    "POST /v1/break-glass": Rule(DESK, reads=True, agencies=True),
    "GET /v1/break-glass": Rule(frozenset({SUPERVISOR}), reads=True),
    "POST /v1/break-glass/{glass_id}/review": Rule(frozenset({SUPERVISOR})),
    "POST /v1/persons/{person_id}/locations": Rule(FIELD, proposes=True),
    "GET /v1/persons/{person_id}/locations": Rule(DESK, reads=True, agencies=True),
    "POST /v1/persons/near": Rule(frozenset({*CARE, DISPATCHER}), reads=True),
    "POST /v1/locations/import": Rule(frozenset({OFFICER, SUPERVISOR}), reads=True, whole=True),
    "POST /v1/persons/{person_id}/planned-visits": Rule(CARE),
    "GET /v1/planned-visits": Rule(CARE, reads=True),
    "GET /v1/planned-visits/mine": Rule(GOES, reads=True),
    "POST /v1/planned-visits/{plan_id}/cancel": Rule(CARE),
    "PUT /v1/visits/{visit_id}": Rule(FIELD, proposes=True),
    "GET /v1/visits/{visit_id}": Rule(CARE, reads=True),
    "GET /v1/visits": Rule(CARE, reads=True),
    "GET /v1/persons/{person_id}/visits": Rule(CARE, reads=True, agencies=True),
    "POST /v1/visits/{visit_id}/decide": Rule(CARE),
    "PUT /v1/pictures/{picture_id}": Rule(FIELD),
    "GET /v1/pictures/{picture_id}": Rule(DESK, reads=True, agencies=True),
    "DELETE /v1/pictures/{picture_id}": Rule(CARE),
    "GET /v1/questionnaires": Rule(frozenset(Role)),
    "POST /v1/persons/{person_id}/assessments": Rule(FIELD),
    "GET /v1/persons/{person_id}/assessments": Rule(CARE, reads=True, agencies=True),
    "GET /v1/group-proposals": Rule(CARE, reads=True),
    "POST /v1/group-proposals/{proposal_id}/decide": Rule(CARE),
    "POST /v1/persons/{person_id}/needs": Rule(FIELD, proposes=True),
    "GET /v1/persons/{person_id}/needs": Rule(CARE, reads=True, agencies=True),
    "POST /v1/needs/{need_id}/met": Rule(CARE, proposes=True),
    "GET /v1/gaps": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN})),
    "GET /v1/gaps/people": Rule(CARE, reads=True),
    "GET /v1/community/cards": Rule(DESK),
    "GET /v1/community": Rule(DESK, reads=True),
    "POST /v1/community/search": Rule(DESK, reads=True),
    "PUT /v1/community/{entry_id}": Rule(CARE),
    "DELETE /v1/community/{entry_id}": Rule(CARE),
    "POST /v1/reviews": Rule(CARE),
    "GET /v1/reviews": Rule(CARE, reads=True),
    "GET /v1/reviews/{review_id}": Rule(CARE, reads=True),
    "PUT /v1/reviews/{review_id}": Rule(CARE),
    "POST /v1/reviews/{review_id}/approve": Rule(frozenset({SUPERVISOR})),
    "POST /v1/reviews/{review_id}/close": Rule(CARE),
    "POST /v1/reviews/{review_id}/actions": Rule(CARE),
    "POST /v1/review-actions/{action_id}/done": Rule(CARE),
    "GET /v1/lessons": Rule(frozenset(set(Role) - {Role.PARTNER})),
    "GET /v1/lessons/causes": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN})),
    "POST /v1/cases/{case_id}/tasks": Rule(CARE),
    "GET /v1/cases/{case_id}/tasks": Rule(CARE, reads=True, agencies=True),
    "GET /v1/tasks": Rule(FIELD, given=True),
    "GET /v1/tasks/mine": Rule(GOES, reads=True, by_task=True),
    "POST /v1/tasks/{task_id}/done": Rule(FIELD, given=True),
    "POST /v1/cases/{case_id}/team": Rule(CARE),
    "GET /v1/cases/{case_id}/team": Rule(CARE, reads=True, agencies=True),
    "GET /v1/team/mine": Rule(GOES, by_task=True),
    "POST /v1/team/{member_id}/answer": Rule(FIELD, given=True),
    "PUT /v1/care-groups/{group_id}": Rule(CARE, whole=True),
    "POST /v1/care-groups/{group_id}/people": Rule(CARE),
    "GET /v1/care-groups": Rule(CARE, reads=True),
    "POST /v1/persons/{person_id}/corrections": Rule(CARE, proposes=True),
    "GET /v1/corrections": Rule(CARE, reads=True, given=True),
    "POST /v1/corrections/{correction_id}/decide": Rule(CARE),
    "GET /v1/persons/{person_id}/copy": Rule(REGISTER, reads=True),
    "GET /v1/exports/persons": Rule(REGISTER, reads=True),
    "POST /v1/imports": Rule(REGISTER, reads=True, whole=True),
    "GET /v1/imports": Rule(REGISTER, whole=True),
    "GET /v1/imports/{run_id}": Rule(REGISTER, whole=True),
    "POST /v1/imports/{run_id}/undo": Rule(REGISTER, whole=True),
    "GET /v1/codes": Rule(frozenset(Role)),
    "GET /v1/reports/{kpi}": Rule(frozenset({*CARE, AUDITOR, Role.ADMIN})),
}

PURPOSES: Final[dict[str, frozenset[Role]]] = {
    "emergency": DESK,
    "care": DESK | GOES,
    "case_work": CARE,
    "registration": frozenset({OFFICER, SUPERVISOR}),
    "erasure": frozenset({OFFICER, SUPERVISOR}),
    "audit": frozenset({SUPERVISOR, AUDITOR}),
}
"""Which roles may have which purpose; labels are the code list ``purpose``."""


def purpose_fault(rule: Rule, role: Role, purpose: str | None, *, agency: bool = False) -> str | None:
    """Why the purpose does not do, as a code: ``purpose_missing``, ``purpose_unknown``, ``purpose_not_yours``.

    ``agency``: whether somebody of an agency asks.
    """
    if not (rule.reads or (agency and rule.proposes)):
        return None
    if not purpose:
        return "purpose_missing"
    if purpose not in PURPOSES:
        return "purpose_unknown"
    return None if role in PURPOSES[purpose] else "purpose_not_yours"
