"""``python -m services.intake``: one process of the service, until SIGTERM."""

from services.intake.app import SERVICE
from shared.service import serve

if __name__ == "__main__":
    serve(SERVICE)
