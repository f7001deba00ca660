"""``python -m services.dispatch``: one process of the service, until SIGTERM."""

from services.dispatch.app import SERVICE
from shared.service import serve

if __name__ == "__main__":
    serve(SERVICE)
