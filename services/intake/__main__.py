"""``python -m services.intake``: one process of the service, until SIGTERM."""

import shared.lean  # noqa: F401 before everything else
from services.intake.app import SERVICE
from shared.service import serve

if __name__ == "__main__":
    serve(SERVICE)
