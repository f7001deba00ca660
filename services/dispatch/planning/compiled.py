"""How kernels are compiled: without Python's lock, and without counting references, for no kernel makes an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_njit: Any = numba.njit  # its published types do not know ``_nrt``


def compiled(function: Kernel) -> Kernel:
    """A kernel that other kernels call."""
    return cast("Kernel", _njit(nogil=True, _nrt=False)(function))


def door(function: Kernel) -> Kernel:
    """A kernel that Python calls: what it compiles to is kept on disk."""
    return cast("Kernel", _njit(nogil=True, _nrt=False, cache=True)(function))


def had_to_compile(function: Any) -> bool:
    """Whether a door was not found on disk."""
    return bool(function.stats.cache_misses)
