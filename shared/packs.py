"""A municipality's settings pack: names, boundary, services, partners, policies, places, vehicles and crews, as files.

One folder per municipality (``deploy/areas/<slug>/``). A neighbour copies ``deploy/areas/sample`` and changes it;
nothing else has to be touched. Whatever is wrong is said with the file and the field, before anything starts.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.area_shapes import shape_of
from shared.geo import Polygon, inside, polygons_of
from shared.pack_parts import Bounded, Pack, Partner
from shared.refusal import Refusal

__all__ = ["Pack", "PackError", "Partner", "load", "load_all"]


class PackError(ValueError):
    """A pack that cannot be used: which file, which field, and why, in both languages."""

    def __init__(self, file: str, field: str, th: str, en: str) -> None:
        super().__init__(f"{file}: {field}: {en}" if field else f"{file}: {en}")
        self.file, self.field, self.th, self.en = file, field, th, en


# file → (the key its content stands under, whether it must exist)
FILES: Mapping[str, tuple[str, bool]] = {
    "area.toml": ("area", True),
    "services.toml": ("service", True),
    "partners.toml": ("partner", True),
    "policies.toml": ("policies", False),
    "stations.toml": ("station", False),
    "facilities.toml": ("facility", False),
    "vehicles.toml": ("vehicle", False),
    "crew.toml": ("crew", False),
    "run_cards.toml": ("run_card", False),
}
BOUNDARY = "boundary.geojson"
AREAS = "areas.geojson"
"""As ``karuna registry areas`` takes it over: each feature with ``code``, ``kind``, ``th`` and ``en``."""
BOUNDED = frozenset({"community", "village", "quarter"})


def load(path: Path | str) -> Pack:
    """The pack in a folder.

    Raises:
        PackError: names the file and the field that is wrong.

    """
    folder = Path(path)
    if not folder.is_dir():
        raise PackError(str(folder), "", "ไม่พบโฟลเดอร์ชุดตั้งค่า", "there is no such folder")
    content: dict[str, Any] = {}
    for name, (key, needed) in FILES.items():
        if (folder / name).exists():
            read = _toml(folder / name)
            content[key] = read if key in {"area", "policies"} else read.get(key)
        elif needed:
            raise PackError(name, "", "ไม่มีไฟล์นี้", "the file is missing")
    content["boundary"], content["boundary_attribution"] = _boundary(folder / BOUNDARY)
    content["bounded"] = _areas(folder / AREAS) if (folder / AREAS).exists() else ()
    try:
        pack = Pack.model_validate(content)
    except ValidationError as problem:
        raise _readable(problem) from None
    _consistent(pack)
    return pack


def load_all(folder: Path | str) -> dict[str, Pack]:
    """Every pack in a folder of packs, by slug, for a service: without vehicles and crews, which are a beginning.

    The launcher seeds them from :func:`load`; from then on dispatch's database knows them, and they change there.

    Raises:
        PackError: one of them cannot be used, or two have the same slug or case prefix.

    """
    packs: dict[str, Pack] = {}
    for path in sorted(each for each in Path(folder).iterdir() if (each / "area.toml").exists()):
        pack = load(path)
        taken = {other.area.case_prefix for other in packs.values()}
        if pack.area.slug in packs or pack.area.case_prefix in taken:
            raise PackError(f"{path.name}/area.toml", "slug, case_prefix", "ซ้ำกับอีกพื้นที่หนึ่ง", "another area has it, too")
        packs[pack.area.slug] = pack.model_copy(update={"vehicle": (), "crew": ()})
    return packs


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise PackError(path.name, "", f"อ่านไฟล์ไม่ได้: {problem}", f"cannot be read: {problem}") from None


def _boundary(path: Path) -> tuple[tuple[Polygon, ...], str]:
    """GeoJSON Polygon or MultiPolygon, as Feature or FeatureCollection, with ``properties.attribution``."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        features = document["features"] if document["type"] == "FeatureCollection" else [document]
        polygons = tuple(polygon for feature in features for polygon in polygons_of(feature["geometry"], BOUNDARY))
        attribution = str(features[0]["properties"]["attribution"])
    except FileNotFoundError:
        raise PackError(BOUNDARY, "", "ไม่มีไฟล์นี้", "the file is missing") from None
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise PackError(
            BOUNDARY, "", "ต้องเป็น GeoJSON แบบ Polygon หรือ MultiPolygon และมี attribution",
            f"must be a GeoJSON Polygon or MultiPolygon with an attribution ({type(problem).__name__}: {problem})",
        ) from None  # fmt: skip
    return polygons, attribution


def _areas(path: Path) -> tuple[Bounded, ...]:
    """The features that have a shape; the others (the municipality itself) are the register's alone."""
    found: list[Bounded] = []
    try:
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            told = feature["properties"]
            if feature["geometry"] is not None and told["kind"] in BOUNDED:
                name = {"th": told["th"], "en": told.get("en") or told["th"]}
                shape = shape_of(told["code"], told["kind"], feature["geometry"])
                found.append(Bounded.model_validate({"code": told["code"], "name": name, "shape": shape}))
    except (KeyError, TypeError, AttributeError, ValueError) as problem:  # of pydantic and of JSON, too
        raise PackError(
            AREAS, f"after {len(found)}", "ต้องเป็น GeoJSON ที่มี code, kind, th และแนวเขตที่ปิด",
            f"each feature has code, kind and th, and a closed Polygon or MultiPolygon ({problem})",
        ) from None  # fmt: skip
    return tuple(found)


def _readable(problem: ValidationError) -> PackError:
    first = problem.errors()[0]
    files = {key: name for name, (key, _) in FILES.items()}
    top = str(first["loc"][0]) if first["loc"] else ""
    field = ".".join(str(step) for step in first["loc"][1:])
    cause = first.get("ctx", {}).get("error")
    more = f" (+{problem.error_count() - 1})" if problem.error_count() > 1 else ""
    th = cause.th if isinstance(cause, Refusal) else "ข้อมูลไม่ถูกต้อง"
    return PackError(files.get(top, top), field, th + more, first["msg"] + more)


def _consistent(pack: Pack) -> None:
    """What no single file can show: codes are unique, references lead somewhere, places lie where they should."""
    for name, items in (
        ("area.toml", pack.area.community), ("services.toml", pack.service), ("partners.toml", pack.partner),
        ("stations.toml", pack.station), ("facilities.toml", pack.facility), ("vehicles.toml", pack.vehicle),
        ("crew.toml", pack.crew), ("run_cards.toml", pack.run_card),
    ):  # fmt: skip
        _unique(name, "code", (each.code for each in items))
    _refers("vehicles.toml", "station", [each.station for each in pack.vehicle], {each.code for each in pack.station})
    _refers("crew.toml", "vehicle", [each.vehicle for each in pack.crew], {each.code for each in pack.vehicle})
    tambons = {*pack.area.whole_tambons, *pack.area.partial_tambons}
    _refers("area.toml", "tambon_code", [each.tambon_code for each in pack.area.community], tambons)
    for place, community in enumerate(pack.area.community):
        if not inside(community.point, pack.boundary):
            raise PackError(
                "area.toml", f"community.{place}", "จุดของชุมชนอยู่นอกเขต", "the community's point lies outside"
            )
    _areas_are_ours(pack, tambons)
    for what in ("outside_area", "red_flag"):
        if not any(not each.tambons for each in pack.partners_for(what)):
            raise PackError(
                "partners.toml", "takes", f"ต้องมีหน่วยงานรับช่วงต่อ ({what}) ที่รับได้ทุกพื้นที่",
                f"somebody must take {what} everywhere: nobody is ever dropped",
            )  # fmt: skip


def _areas_are_ours(pack: Pack, tambons: Container[str]) -> None:
    """Boundaries of communities that calls are told apart by, and of villages of our tambons."""
    _unique(AREAS, "code", (each.code for each in pack.bounded))
    communities = {f"{pack.area.slug}:{each.code}" for each in pack.area.community}
    for each in pack.bounded:
        right = {
            "community": each.code in communities,
            "village": each.code.isdigit() and each.code[:6] in tambons,
            "quarter": each.code.startswith(f"{pack.area.slug}:") and each.code not in communities,
        }
        if not right[each.shape.kind]:
            raise PackError(
                AREAS, each.code, "ชุมชนต้องอยู่ใน area.toml หมู่บ้านต้องอยู่ในตำบลของเทศบาล",
                "a community stands in area.toml, a village lies in a tambon of ours, a quarter begins with the slug",
            )  # fmt: skip


def _refers(file: str, field: str, used: Iterable[str], known: Container[str]) -> None:
    for place, code in enumerate(used):
        if code not in known:
            raise PackError(file, f"{place}.{field}", f"ไม่มี {code}", f"there is no {code}")


def _unique(file: str, field: str, codes: Iterable[str]) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise PackError(file, field, f"รหัส {code} ซ้ำ", f"{code} stands twice")
        seen.add(code)
