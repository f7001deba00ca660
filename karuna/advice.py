"""What the doctor says of each thing it may find wrong: what it means and what to do, in Thai and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.thai.text import Text

ADVICE: Final[Mapping[str, Text]] = {
    "broker": Text(
        th="nats-server ไม่ตอบ เหตุการณ์รออยู่ในฐานข้อมูล: เปิด nats-server (make run)",
        en="nats-server does not answer, events wait in the databases: start it (make run)",
    ),
    "broker_settings": Text(
        th="nats-server ตอบรับก่อนเขียนลงดิสก์ ไฟดับแล้วข้อความที่ตอบรับไปอาจหาย: ตั้ง sync_interval: always แล้วเปิดใหม่",
        en="nats-server acknowledges before it has written to disk, a power cut can lose acknowledged messages: "
        "set sync_interval: always and restart it",
    ),
    "jetstream": Text(
        th="nats-server เปิดโดยไม่มี JetStream จึงไม่เก็บสตรีม: เปิดใหม่ด้วย server.conf ของระบบ",
        en="nats-server runs without JetStream and keeps no streams: restart it with our server.conf",
    ),
    "field_key": Text(
        th="กุญแจใน keys/field.key ไม่ใช่กุญแจที่ใช้ปิดผนึกทะเบียนนี้ ทะเบียนจึงไม่เปิดทำงาน: นำไฟล์กุญแจเดิมกลับมาจากข้อมูลสำรอง แล้วเปิดใหม่",
        en="keys/field.key is not the key under which this registry is sealed, so the registry does not start: "
        "bring the former key file back from a backup, then restart",
    ),
    "clock": Text(
        th="นาฬิกาไม่ตรงกัน เวลาในบันทึกจะผิด: ตั้งเวลาเครื่องด้วย NTP",
        en="the clocks differ, recorded times are wrong: set them by NTP",
    ),
    "service": Text(
        th="บริการ {service} ไม่ตอบ: เปิดด้วย karuna run {service} แล้วดู logs/{service}.log",
        en="service {service} does not answer: start it with karuna run {service}, and see logs/{service}.log",
    ),
    "not_ready": Text(
        th="บริการ {service} ยังไม่พร้อม: ดู logs/{service}.log", en="{service} is not ready: see logs/{service}.log"
    ),
    "database": Text(
        th="ฐานข้อมูลของ {service} ไม่ตอบ: ตรวจ PostgreSQL และดิสก์เต็มหรือไม่",
        en="the database of {service} does not answer: is PostgreSQL up, is its disk full?",
    ),
    "durability": Text(
        th="PostgreSQL ตอบรับก่อนเขียนลงดิสก์ ไฟดับแล้วเรื่องที่รับไว้อาจหาย: เปิด fsync, full_page_writes และ "
        "synchronous_commit (ดู alter role, alter database)",
        en="PostgreSQL confirms before it has written to disk, a power cut can lose what was taken: turn fsync, "
        "full_page_writes and synchronous_commit on (see alter role, alter database)",
    ),
    "permissions": Text(
        th="สิทธิ์ NATS ของ {service} ไม่ตรงกับตาราง: เปิดใหม่ด้วย make run",
        en="the NATS rights of {service} differ from the table: restart with make run",
    ),
    "declared": Text(
        th="สตรีมหรือ durable หายไปหรือไม่ตรงกับที่ประกาศไว้ ผู้ฟังจึงไม่ได้ยินเหตุการณ์: สั่ง karuna streams provision",
        en="a stream or durable is missing or not as declared, its listener hears nothing: karuna streams provision",
    ),
    "sealed": Text(
        th="สตรีม {stream} ถูกปิดตาย (sealed) ไม่รับเหตุการณ์อีกและเปิดคืนไม่ได้ เหตุการณ์รออยู่ในฐานข้อมูล: "
        "สั่ง karuna streams rebuild {stream} เพื่อสร้างใหม่และเติมจากคลัง",
        en="stream {stream} is sealed: it takes no event any more and cannot be unsealed, events wait in the database: "
        "karuna streams rebuild {stream} makes it anew and refills it from the archive",
    ),
    "refuses": Text(
        th="{what}: เซิร์ฟเวอร์ไม่ยอมให้แก้ สั่ง karuna streams rebuild {stream} เพื่อสร้างใหม่และเติมจากคลัง",
        en="{what}: the server does not let it be changed: karuna streams rebuild {stream} makes it anew and refills "
        "it from the archive",
    ),
    "stranger": Text(
        th="มีสตรีมหรือ consumer ที่ไม่มีใครประกาศ: ถามผู้สร้าง แล้วลบด้วยเครื่องมือของ NATS",
        en="there is a stream or consumer nobody declared: ask who made it, remove it with NATS's own tools",
    ),
    "stream": Text(
        th="สตรีม {stream} หายไปหรือไม่ครบตามคลังเหตุการณ์: สั่ง karuna streams rebuild {stream}",
        en="stream {stream} is missing or not what the archive says was sent: karuna streams rebuild {stream}",
    ),
    "full": Text(
        th="สตรีม {stream} ใกล้เต็ม เมื่อเต็มเหตุการณ์จะค้างส่ง: ตั้ง KARUNA_STREAM_MAX_BYTES ให้มากขึ้น "
        "แล้วสั่ง karuna streams provision",
        en="stream {stream} is nearly full, events will then wait unsent: raise KARUNA_STREAM_MAX_BYTES, then karuna "
        "streams provision",
    ),
    "outbox": Text(
        th="เหตุการณ์ของ {service} ค้างส่ง: ดู /readyz และ relay ใน logs/{service}.log",
        en="events of {service} wait to be sent: see /readyz and the relay in logs/{service}.log",
    ),
    "parked": Text(
        th="{service} รอเหตุการณ์ก่อนหน้าที่หายไป เรื่องนั้นจึงหยุดอยู่: สั่ง karuna streams rebuild",
        en="{service} waits for an earlier event that is missing, that matter stands still: karuna streams rebuild",
    ),
    "missed": Text(
        th="{service} ไม่เคยได้ยินเหตุการณ์ที่ส่งไปแล้วและจะไม่ได้ยินอีก (ถูกลบจากสตรีม หรือฐานข้อมูลกลับไปเป็นสำเนาเก่า): "
        "สั่ง karuna streams rebuild",
        en="{service} never heard events that were sent and will not be offered again (deleted from the stream, or its "
        "database is an older copy): karuna streams rebuild",
    ),
    "dead_letters": Text(
        th="{service} ทำบางเหตุการณ์ไม่ได้ เรื่องนั้นจึงหยุดอยู่: "
        "karuna dead-letters list {service} แก้สาเหตุ แล้ว requeue (อ่านไม่ออก: close)",
        en="{service} could not apply some events, those matters stand still: karuna dead-letters list {service}, mend "
        "the cause, then requeue (unreadable ones: close)",
    ),
    "overdue": Text(
        th="สิ่งที่ถึงกำหนดของ {service} ทำช้าไป: ดู due.failed ใน logs/{service}.log",
        en="due things of {service} are late: see due.failed in logs/{service}.log",
    ),
    "pending": Text(
        th="{service} ฟังเหตุการณ์ไม่ทัน: เพิ่มโปรเซส karuna run {service} --processes 2",
        en="{service} cannot keep up: add processes, karuna run {service} --processes 2",
    ),
}


def advice(code: str, **names: str) -> Text:
    """The two sentences, with the names of what is concerned."""
    text = ADVICE[code]
    return Text(th=text.th.format(**names), en=text.en.format(**names))
