"""Kernels are kept from one run of the tests to the next."""

from services.dispatch.engine import cache

cache.use()
