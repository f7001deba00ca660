"""What a file of people says in other words than ours, and what is said of a cell that cannot be read."""

from __future__ import annotations

from typing import Final

from shared.codes.codes import code_list

WORDS: Final[dict[str, dict[str, str]]] = {
    "sex": {"1": "male", "2": "female", "ช": "male", "ญ": "female", "m": "male", "f": "female", "ผู้ชาย": "male",
            "ผู้หญิง": "female"},
    "mobility": {"เดินได้": "walking", "มีคนพยุง": "assisted", "นั่งรถเข็น": "wheelchair", "รถเข็น": "wheelchair",
                 "วีลแชร์": "wheelchair", "ติดเตียง": "stretcher", "นอนติดเตียง": "stretcher"},
    "groups": {"ติดเตียง": "bedridden", "ติดบ้าน": "homebound", "คนพิการ": "disabled", "ผู้พิการ": "disabled"},
    "need": {"ผ้าอ้อม": "supplies", "ผ้าอ้อมผู้ใหญ่": "supplies", "แผ่นรองซับ": "supplies", "รถเข็น": "equipment",
             "วีลแชร์": "equipment", "ไม้เท้า": "equipment", "เตียง": "equipment", "อาหาร": "food", "ยา": "medicine",
             "ซ่อมบ้าน": "home_repair", "รายได้": "income", "อาชีพ": "income"},
}  # fmt: skip
"""Other ways in which codes are written; "1" and "2" are of the 43 files and of iMed@home."""

EMPTY = ("row_empty", "", "แถวนี้ไม่บอกว่าเป็นใคร", "this row tells of nobody")
WIDTH = ("row_width", "", "จำนวนช่องไม่ตรงกับหัวตาราง", "not as many cells as the head has columns")
CHARACTERS = ("characters", "มีอักขระที่เก็บไม่ได้", "holds characters that cannot be stored")
UNKNOWN = ("unknown_code", "ไม่รู้จักคำหรือรหัสในช่องนี้", "a word or code in this cell is not known")
_NEEDS = code_list("life_need").items
UNKNOWN_NEED = (
    "unknown_need",
    f"ไม่รู้จักความต้องการนี้ ใช้ได้: {', '.join(each.th for each in _NEEDS)}",
    f"this need is not known; known are {', '.join(each.en for each in _NEEDS)}",
)  # fmt: skip
NO_NUMBER = ("not_a_number", "ไม่ใช่ตัวเลข", "not a number")
BIRTH = ("birth8", "วันเกิดต้องเป็น ปปปปดดวว ปี ค.ศ.", "a birth is YYYYMMDD, in the Christian era")
ADL = ("adl_range", "คะแนน ADL อยู่ระหว่าง 0-20", "an ADL score lies between 0 and 20")
NO_NEED = ("need_missing", "ระบุความเร่งด่วนโดยไม่บอกความต้องการ", "an urgency without a need")
POINT = ("point_half", "พิกัดต้องมีทั้ง lat และ lon", "a point has both lat and lon")
TAMBON = (
    "tambon_unclear", "ไม่พบตำบลนี้ หรือมีหลายแห่ง ให้ใส่อำเภอและจังหวัด หรือรหัสตำบล 6 หลัก",
    "no such tambon, or several: give amphoe and changwat, or its code of 6 digits",
)  # fmt: skip
SECRET = (
    "secret_by_hand", "กลุ่มปกปิดนำเข้าจากไฟล์ไม่ได้ ให้ขึ้นทะเบียนเป็นรายคน",
    "a secret group is not imported from a file: register the person by hand",
)  # fmt: skip
