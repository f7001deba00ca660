"""All routes of the desk."""

from __future__ import annotations

from fastapi import APIRouter

from services.console.pages import desk, desk_acts, desk_call, desk_command, desk_find, desk_others

router = APIRouter()
for part in (desk, desk_others, desk_find, desk_command, desk_call, desk_acts):
    router.include_router(part.router)
