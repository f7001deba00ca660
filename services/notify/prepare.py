"""Before notify is ready: the areas' policies, the channels, and texts that may go out."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import structlog

from services.notify import house
from services.notify.rules.policy import Policy
from services.notify.rules.table import all_rules
from services.notify.rules.templates import LANGUAGES, Fault, all_templates, lint
from services.notify.rules.words import Facts, words
from services.notify.sending.ways import AllWays
from services.notify.settings import NotifySettings
from shared.pack_notify import Voice, voices
from shared.service import Runtime
from shared.thai.dates import BANGKOK
from shared.thai.text import Text

log = structlog.get_logger()

WAYS = "ways"


async def prepare(runtime: Runtime) -> None:
    """Load everything; a text that may not go out stops the start, in words.

    Raises:
        ValueError: a template or a rule is not as it should be, or the channels' settings are not.

    """
    settings: NotifySettings = runtime.settings
    policies = load_policies(settings.areas_dir)
    faults = [fault for policy in policies.values() for fault in check(policy.brand, policy.short_number)]
    if faults:
        raise ValueError(f"templates: {', '.join(f'{fault.where}: {fault.code}' for fault in faults)}")
    house.settle(policies)
    config = settings.channels_config()
    for area in policies:
        if area not in config.areas:
            log.warning("notify.no_channels", area=area)
    runtime.parts[WAYS] = AllWays(config)


def load_policies(folder: Path) -> dict[str, Policy]:
    """Every area's policy from its settings pack."""
    return {slug: _policy(voice) for slug, voice in voices(folder).items()}


def _policy(voice: Voice) -> Policy:
    own = voice.policies
    return Policy(
        brand=own.brand,
        short_number=voice.short_number,
        quiet_from=own.quiet_from,
        quiet_until=own.quiet_until,
        remind_at=own.remind_at,
        emergency_wait=timedelta(seconds=own.emergency_wait_s),
        booked_wait=timedelta(seconds=own.booked_wait_s),
    )


@cache
def check(brand: Text, short_number: str) -> list[Fault]:
    """Every template in every language, with the longest words and with none, for an area's names."""
    at = datetime(2026, 11, 22, 14, 30, tzinfo=BANGKOK)
    longest = Facts("6909-4601-12345", "ABCD-EFGH", "ประเสริฐศักดิ์ชัย", "yellow", at, at, tambon="342504")
    samples = [
        {lang: words(facts, lang, brand=brand, short_number=short_number, exercise=exercise) for lang in LANGUAGES}
        for facts, exercise in ((longest, True), (Facts(), False))
    ]
    faults = lint(all_templates(), samples, brand=brand, short_number=short_number)
    names = all_templates()
    missing = [
        Fault(rule.id, "template_missing")
        for rule in all_rules()
        if rule.template not in names or ("sms" in rule.channels and names[rule.template].sms is None)
    ]
    return [*faults, *missing]
