"""Whatever files of areas come, one after the other: the tree has no circle, and who is held to a place has what lies in it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.registry import store
from services.registry.rules.areas import KINDS, kind_of
from services.registry.rules.grounds import Lives, lies_in, reaches
from tests.harness import AREA, Running, bearer
from tests.registry.conftest import OFFICER

OFFICIAL = ("46", "4601", "460101", "460102")
VILLAGES = ("46010101", "46010102", "46010203")
OWN = tuple(f"{AREA}:{name}" for name in "abcd")
CODES = (AREA, *OWN, *VILLAGES)
WRONG_SHAPE = {"type": "Point", "coordinates": [103.5, 16.4]}
Tree = dict[str, tuple[str, frozenset[str]]]
"""Code → kind and parents."""


def _kinds(code: str) -> st.SearchStrategy[str]:
    usual = "municipality" if code == AREA else "village" if code.isdigit() else None
    return st.sampled_from(("quarter", "community")) if usual is None else st.just(usual)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row as a clerk may write it: in what it cannot lie, of another kind than before, with a boundary that is none."""
    code = draw(st.sampled_from(CODES))
    row = {
        "code": code, "kind": draw(_kinds(code)), "th": code,
        "parents": draw(st.lists(st.sampled_from((*OFFICIAL, *CODES)), max_size=3, unique=True)),
    }  # fmt: skip
    return row | ({"boundary": WRONG_SHAPE} if draw(st.integers(0, 4)) == 0 else {})


FILES = st.lists(st.lists(rows(), min_size=1, max_size=6), min_size=1, max_size=4)
BY_REFUSED: list[list[dict[str, Any]]] = [
    [{"code": AREA, "kind": "municipality", "th": "x"}, {"code": OWN[0], "kind": "quarter", "th": "a"},
     {"code": OWN[1], "kind": "community", "th": "b", "parents": [OWN[0]]}],
    [{"code": OWN[0], "kind": "community", "th": "a", "parents": [OWN[1]]},
     {"code": OWN[1], "kind": "quarter", "th": "b", "boundary": WRONG_SHAPE}],
]  # fmt: skip
"""A row that is refused must not let another lie in it: a circle came of these."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES)
async def test_whatever_files_come_the_tree_stays_one(registry: Running, files: list[list[dict[str, Any]]]) -> None:
    await registry.sql("delete from area_node")
    for file in files:
        await _take(registry, file)
    await _holds(registry)


async def test_a_row_that_was_refused_holds_nothing(registry: Running) -> None:
    for file in BY_REFUSED:
        await _take(registry, file)
    await _holds(registry)
    assert (await _tree(registry))[OWN[0]][0] == "quarter", "something lies in it: it keeps its kind"


async def _take(registry: Running, file: list[dict[str, Any]]) -> None:
    """Tried or taken, each row is told the same."""
    told = []
    for dry_run in (True, False):
        body = {"rows": file, "dry_run": dry_run}
        answer = await registry.client.post("/v1/areas/import", json=body, headers=bearer(OFFICER))
        assert answer.status_code == 200, answer.text
        told.append([one["verdict"].replace("would_be_written", "written") for one in answer.json()["items"]])
    assert told[0] == told[1]
    assert len(told[0]) == len(file)


async def _tree(registry: Running) -> Tree:
    nodes = await store.areas.of_areas(registry.runtime.pool, [AREA])
    return {node.code: (node.kind, frozenset(node.parents)) for node in nodes}


async def _holds(registry: Running) -> None:
    tree = await _tree(registry)
    kinds = {code: kind for code, (kind, _) in tree.items()}
    for code, (kind, parents) in tree.items():
        assert {kind_of(parent, kinds) for parent in parents} <= KINDS[kind], code
        assert code not in _outer(tree, code), "nothing lies in itself"
    for top in (*OFFICIAL, *tree):
        below = await store.areas.below_each(registry.runtime.pool, [top])
        assert below == frozenset(await store.areas.below(registry.runtime.pool, top))
        for code in tree:
            within = code == top or lies_in(_outer(tree, code) | {code}, frozenset({top}))
            assert (code in below) == within, (code, top)
            assert reaches(below, Lives(code)) == within, (code, top)


def _outer(tree: Tree, code: str) -> frozenset[str]:
    """All in which it lies, official areas too."""
    found: set[str] = set()
    waiting = list(tree[code][1])
    while waiting:
        outer = waiting.pop()
        if outer not in found:
            found.add(outer)
            waiting += tree[outer][1] if outer in tree else ()
    return frozenset(found)
