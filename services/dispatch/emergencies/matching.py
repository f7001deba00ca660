"""The assignment problem, solved by ``scipy.optimize.linear_sum_assignment`` without what comes with it.

``scipy.optimize`` is 50 MB and a third of a second, in the middle of many calls at once; its solver of this problem is
one small compiled module that needs nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from services.dispatch.emergencies.coverage import Numbers

Solver = Callable[[Numbers], tuple[Any, Any]]
"""Costs, rows × columns → the rows and the columns that belong together, as many as there can be, at the least cost."""


@cache
def solver() -> Solver:
    """The compiled solver alone; by way of the package where it lies elsewhere."""
    package = find_spec("scipy")
    folders = [str(Path(package.origin).parent / "optimize")] if package and package.origin else []
    spec = PathFinder.find_spec("_lsap", folders)
    if spec is None or spec.loader is None:
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 see above

        return linear_sum_assignment  # type: ignore[no-any-return]
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Solver = module.linear_sum_assignment
    return found
