"""แจ้งเหตุเข้ากรุณาจากระบบอื่น: พิมพ์เลขรับแจ้ง หรือเหตุผลที่ไม่รับ

Asks Karuna for help on behalf of somebody, over NATS. Prints the call's number, or why it was refused:

    karuna subscriber add hospital --inbox-calls kalasin
    python examples/partner_call.py var/subscribers/hospital.json call.json [KEY]

``call.json`` is the body of ``POST /v1/calls``. The key makes a second attempt safe: the same key never makes a
second call, so after a time-out run it again with the key it printed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
from nats.errors import NoRespondersError


async def main(mine: dict[str, Any], creds: Path, call: bytes, key: str) -> int:
    print(f"Idempotency-Key: {key}", file=sys.stderr)
    client = await asyncio.wait_for(
        nats.connect(mine["server"], user_credentials=str(creds), inbox_prefix=mine["inbox_prefix"].encode()),
        timeout=10,
    )
    subject = next(subject for subject in mine["calls"] if subject.endswith(".inbox.calls"))
    try:
        reply = await client.request(subject, call, timeout=10, headers={"Idempotency-Key": key})
    except (NoRespondersError, TimeoutError):
        print("ไม่มีคำตอบ ลองอีกครั้งด้วยคีย์เดิม / no answer: try again with the same key", file=sys.stderr)
        return 2
    finally:
        await client.close()
    answer = json.loads(reply.data)
    if number := answer.get("number"):
        print(number)
        return 0
    print(f"{answer.get('th')} / {answer.get('en')}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    if len(sys.argv) < 3 or "--help" in sys.argv:  # noqa: PLR2004 file and call
        sys.exit(__doc__)
    file, call, *chosen = sys.argv[1:]
    mine = json.loads(Path(file).read_text("utf-8"))
    key = chosen[0] if chosen else str(uuid4())
    sys.exit(asyncio.run(main(mine, Path(file).with_suffix(".creds"), Path(call).read_bytes(), key)))
