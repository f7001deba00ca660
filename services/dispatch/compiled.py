"""What scipy computes for dispatch, without what comes with it.

Our searches are three small compiled modules of scipy. By way of its packages each brings linear algebra, statistics
and numpy's Fortran tools: 33 MB for the roads, 50 MB and a third of a second for the assignment, the latter in the
middle of many calls at once. What is loaded here needs a fraction of that. Where scipy lies otherwise than expected,
its packages are taken as they are. Each function gives what scipy calls by the same name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

LEFT_OUT: Mapping[str, Mapping[str, Any]] = {"scipy.sparse.linalg": {"LinearOperator": object}, "numpy.f2py": {}}
"""Loaded by scipy's graphs on their way, and named, but of no use to a shortest path. Module → what must be in it."""


@cache
def linear_sum_assignment() -> Any:
    return _alone("optimize", "_lsap").linear_sum_assignment


@cache
def cKDTree() -> Any:  # noqa: N802 scipy's own name
    csgraph()  # the tree asks for scipy.sparse: the slender one
    return _alone("spatial", "_ckdtree").cKDTree


def csr_matrix() -> Any:
    csgraph()
    return import_module("scipy.sparse").csr_matrix


@cache
def csgraph() -> Any:
    """``scipy.sparse.csgraph``."""
    with ExitStack() as hollow:
        for name in LEFT_OUT.keys() - sys.modules.keys():
            hollow.enter_context(_hollow(name, LEFT_OUT[name]))
        return import_module("scipy.sparse.csgraph")


@contextmanager
def _hollow(name: str, holds: Mapping[str, Any]) -> Iterator[None]:
    """A module of which nothing is there but ``holds``, for as long as others are loaded that ask for it."""
    sys.modules[name] = module = ModuleType(name)
    vars(module).update(holds)
    package, _, own = name.rpartition(".")
    above = sys.modules.get(package)
    if above is not None:
        setattr(above, own, module)
    try:
        yield
    finally:
        del sys.modules[name]
        if above is not None:
            delattr(above, own)


def _alone(package: str, name: str) -> ModuleType:
    """A compiled module of one of scipy's packages, without the package."""
    scipy = find_spec("scipy")
    folders = [str(Path(scipy.origin).parent / package)] if scipy and scipy.origin else []
    spec = PathFinder.find_spec(name, folders)
    if spec is None or spec.loader is None:
        return import_module(f"scipy.{package}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
