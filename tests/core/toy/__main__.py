import sys

from shared.service import serve
from tests.core.toy.services import HEARER, SPEAKER

serve({"intake": SPEAKER, "registry": HEARER}[sys.argv[1]])
