"""A scan full of names, and a search that finds them again in any bytes, compressed ones included."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.fuzz_phantoms import Scan, build_slice

CANARIES = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-778812",
    "AccessionNumber": "ACC-99412",
    "PatientBirthDate": "19500101",
    "InstitutionName": "Quokka Hospital",
    "InstitutionAddress": "Wombat Lane 7",
    "ReferringPhysicianName": "Numbat^Otto",
    "OperatorsName": "Bilby^Ina",
    "StationName": "DINGOSTATION",
    "DeviceSerialNumber": "SN-5512-77",
    "StudyDate": "20190317",
    "StudyTime": "174533",
    "SeriesDate": "20190318",
    "StudyDescription": "Kookaburra staging",
    "SeriesDescription": "Galah portal venous",
    "ProtocolName": "Cassowary protocol",
    "PatientComments": "neighbour of Mrs Potoroo",
    "StudyInstanceUID": "1.2.826.0.1.999.1",
    "SeriesInstanceUID": "1.2.826.0.1.999.2",
    "FrameOfReferenceUID": "1.2.826.0.1.999.3",
    "StudyID": "PLATYPUS-4",
}
PRIVATE = "Echidna private words"
FOLDER, FILE = "Bandicoot export", "Quoll"
WORDS = (
    "doe^jane", "778812", "acc-99412", "19500101", "quokka", "wombat", "numbat", "bilby", "dingostation", "sn-5512-77",
    "20190317", "174533", "20190318", "kookaburra", "galah", "cassowary", "potoroo", "826.0.1.999", "platypus",
    "echidna", "bandicoot", "quoll",
)  # fmt: skip
BASE64 = re.compile(rb"base64,([A-Za-z0-9+/=]{40,})")
PATTERN = re.compile("|".join(map(re.escape, WORDS)).encode())


def write_canary_series(root: Path, scan: Scan, number: int = 1) -> Path:
    """Write a DICOM series whose every identifying element, file and folder name is a canary."""
    folder = root / FOLDER / f"{FILE} {number}"
    folder.mkdir(parents=True)
    for k in range(len(scan.stored)):
        dataset = build_slice(scan, k)
        for name, value in CANARIES.items():
            setattr(dataset, name, f"{value}.{number}" if name == "SeriesInstanceUID" else value)
        dataset.PatientID = f"{CANARIES['PatientID']}-{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.999.9.{number}.{k}"
        block = dataset.private_block(0x0009, "ECHIDNA", create=True)
        block.add_new(0x01, "LO", PRIVATE)
        dataset.save_as(folder / f"{FILE}-{k:02d}.dcm", enforce_file_format=True)
    return folder


def build_canary_scan(seed: int = 0) -> Scan:
    """Make a small CT of noise that a tiny model answers for."""
    values = np.random.default_rng(seed).normal(-300, 200, (12, 18, 20)).astype(np.int16)
    scan = Scan(values, spacing=(0.8, 0.7, 2.0), slopes=(1.0,) * 12, intercepts=(0.0,) * 12)
    return replace(scan, origin=(-12.0, -9.0, -20.0))


def find_canaries(data: bytes) -> set[str]:
    """Find canaries in bytes, in UTF-8 or UTF-16, and within zip, gzip and zlib streams (npz, nii.gz, PNG)."""
    return {match.decode() for part in _unpacked(data, 0) for match in PATTERN.findall(part.lower())}


def _unpacked(data: bytes, depth: int) -> Iterator[bytes]:
    plain = BASE64.sub(b"", data)  # a page's pictures: random letters, searched below
    yield plain
    yield plain.replace(b"\0", b"")  # UTF-16
    if depth > 3:
        return
    if data[:2] == b"\x1f\x8b":
        yield from _unpacked(gzip.decompress(data), depth + 1)
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from _unpacked(archive.read(name), depth + 1)
    if data.startswith(b"\x89PNG"):
        yield from _png_streams(data)
    for encoded in BASE64.findall(data):
        yield from _unpacked(base64.b64decode(encoded), depth + 1)


def _png_streams(data: bytes) -> Iterator[bytes]:
    """Give the pixels and every text chunk of a PNG."""
    with Image.open(io.BytesIO(data)) as picture:
        yield picture.convert("RGB").tobytes()
        yield np.asarray(picture).tobytes()
        yield repr(picture.info).encode()
