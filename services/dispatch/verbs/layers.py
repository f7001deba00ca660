"""Risk maps: a new version is published, or a layer is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.dispatch.rules.risks import Zone
from services.dispatch.store import layers
from services.dispatch.verbs.lives import missing
from shared.events.base import Origin
from shared.events.dispatch import LayerPublished
from shared.work import Work


async def put(work: Work, layer_id: UUID, body: dict[str, Any], zones: Sequence[Zone]) -> bool | None:
    """Publish: True made, False a new version, None the same as before.

    Raises:
        Refused: 404, the id is another municipality's.

    """
    known = await layers.lock(work.db, layer_id)
    if known is not None and known["area"] != body["area"]:
        raise missing("layer")
    if (
        known is not None
        and all(known[name] == value for name, value in body.items())
        and await layers.zones(work.db, layer_id) == list(zones)
    ):
        return None
    version = known["version"] + 1 if known else 1
    await layers.put(work.db, layers.values_of(layer_id, body, version, work.now), zones)
    _say(work, layer_id, body["area"], LayerPublished(
        kind=body["kind"], version=version, feature_count=len(zones), valid_from_on=body["valid_from_on"], at=work.now,
    ))  # fmt: skip
    return known is None


async def take_away(work: Work, layer_id: UUID) -> None:
    """It is no longer drawn, and nobody is warned of it. Those who draw it hear of an empty version."""
    known = await layers.lock(work.db, layer_id)
    if known is None:
        raise missing("layer")
    await layers.delete(work.db, layer_id)
    _say(work, layer_id, known["area"], LayerPublished(
        kind=known["kind"], version=known["version"] + 1, feature_count=0, at=work.now,
    ))  # fmt: skip


def _say(work: Work, layer_id: UUID, area: str, event: LayerPublished) -> None:
    work.say(layer_id, event, Origin(area=area, correlation_id=layer_id))
