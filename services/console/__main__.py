"""``python -m services.console``: one process of the console, until SIGTERM."""

import shared.lean  # noqa: F401 before everything else
from services.console.app import SERVICE
from shared.service import serve

if __name__ == "__main__":
    serve(SERVICE)
