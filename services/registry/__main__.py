"""``python -m services.registry``: one process of the service, until SIGTERM."""

from services.registry.app import SERVICE
from shared.service import serve

if __name__ == "__main__":
    serve(SERVICE)
