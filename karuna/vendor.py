"""Files of other people that we carry along (``make vendor``, for developers): fetched by npm, listed with hashes.

A folder of vendored files has a ``vendor.toml``: packages with name, version and licence, and for each file where
it stands in the package, where it stands here, and its SHA-256. Nothing else may lie in that folder.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

ROOT = Path(__file__).parent.parent
FOLDERS = (
    ROOT / "services/console/static/vendor", ROOT / "services/console/fonts", ROOT / "tests/browser/vendor",
)  # fmt: skip
LIST = "vendor.toml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VendoredFile(_Part):
    """``from`` is a path in the package, ``to`` one beside ``vendor.toml``."""

    from_: str = Field(alias="from")
    to: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/._-]*$")
    sha256: str = Field(pattern=r"^([0-9a-f]{64})?$")


class Package(_Part):
    name: str
    version: str = Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")
    licence: str = Field(min_length=1)
    inside: str | None = None
    """The package in whose file this one was built in; then only its licence lies here."""
    files: tuple[VendoredFile, ...] = Field(min_length=1)


class _List(_Part):
    package: tuple[Package, ...]


def packages(folder: Path) -> tuple[Package, ...]:
    """What ``vendor.toml`` lists.

    Raises:
        ValueError: the list is not as it should be.

    """
    return _List.model_validate(tomllib.loads((folder / LIST).read_text(encoding="utf-8"))).package


def wrong(folder: Path) -> list[str]:
    """What differs between list and folder: one sentence each, none if all is well."""
    listed = {file.to: file.sha256 for package in packages(folder) for file in package.files}
    lying = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {LIST}
    found = [f"{name}: lies here but is not listed" for name in sorted(lying - listed.keys())]
    found += [f"{name}: listed but not here" for name in sorted(listed.keys() - lying)]
    for name in sorted(listed.keys() & lying):
        if _sha256((folder / name).read_bytes()) != listed[name]:
            found.append(f"{name}: not the file that was listed")
    return found


def fetch(folder: Path, *, accept: bool) -> list[str]:
    """Bring every listed file here; ``accept`` writes new hashes into the list. The names of files that differ."""
    differing = []
    for package in packages(folder):
        for file, content in _unpacked(package):
            if (found := _sha256(content)) != file.sha256:
                differing.append(file.to)
                if not accept:
                    continue
                _write_hash(folder / LIST, file.to, found)
            target = folder / file.to
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return differing


def _unpacked(package: Package) -> Iterator[tuple[VendoredFile, bytes]]:
    with tempfile.TemporaryDirectory() as place:
        wanted = f"{package.name}@{package.version}"
        packed = subprocess.run(
            ["npm", "pack", "--silent", wanted], cwd=place, check=True, stdout=subprocess.PIPE, text=True, timeout=300
        )
        with tarfile.open(Path(place) / packed.stdout.split()[-1]) as archive:
            for file in package.files:
                member = archive.extractfile(f"package/{file.from_}")
                if member is None:
                    raise FileNotFoundError(f"{wanted}: no {file.from_}")
                yield file, member.read()


def _write_hash(path: Path, to: str, found: str) -> None:
    text, line = path.read_text(encoding="utf-8"), rf'(to = "{re.escape(to)}", sha256 = ")[0-9a-f]*"'
    path.write_text(re.sub(line, rf'\g<1>{found}"', text), encoding="utf-8")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    accept = "--accept" in sys.argv[1:]
    failed = False
    for folder in FOLDERS:
        differing = fetch(folder, accept=accept)
        sentences = [f"{name}: ต่างจากที่บันทึกไว้ (differs from its hash)" for name in differing]
        sentences += wrong(folder) if not differing or accept else []
        for sentence in sentences:
            print(f"{folder.relative_to(ROOT)}/{sentence}")
        failed = failed or bool(wrong(folder)) or (bool(differing) and not accept)
    print("มีไฟล์ที่ไม่ตรง (something differs)" if failed else "ไฟล์ทั้งหมดตรงตามรายการ (every file is as listed)")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
