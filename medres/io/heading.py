"""The first file of a DICOM series -> Heading: what a list of series says beside a picture.

Knows headers; reads no pixels and keeps no name, number, date or UID: pseudonyms, days and settings only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from medres.errors import IntakeError
from medres.io.dataset import open_dataset
from medres.io.facts import FACT_TAGS, parse_facts
from medres.io.file_bytes import FileBytes
from medres.io.header import open_source
from medres.io.privacy import load_site_key, patient_key, pseudonym
from medres.io.values import first_number, word

HEADING_TAGS = frozenset({0x00080020, 0x00180010, 0x00180015, 0x00180080, 0x00180081, 0x00200011})
WANTED = HEADING_TAGS | frozenset(FACT_TAGS)
CHUNK = 1 << 16  # bytes read at first
PLANES = ("sagittal", "coronal", "axial")  # by the axis that their normal is nearest to
BODY_PARTS = frozenset(
    {
        "ABDOMEN", "ABDOMENPELVIS", "ANKLE", "AORTA", "ARM", "BLADDER", "BRAIN", "BREAST", "CALCANEUS", "CAROTID",
        "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "CLAVICLE", "COCCYX", "CSPINE", "CTSPINE", "ELBOW", "EYE", "FEMUR",
        "FINGER", "FOOT", "FOREARM", "HAND", "HEAD", "HEADNECK", "HEART", "HIP", "HUMERUS", "IAC", "JAW", "KIDNEY",
        "KNEE", "LEG", "LIVER", "LSPINE", "LSSPINE", "LUNG", "MEDIASTINUM", "NECK", "ORBIT", "OVARY", "PANCREAS",
        "PELVIS", "PROSTATE", "RIB", "SCAPULA", "SHOULDER", "SINUS", "SKULL", "SPINE", "SPLEEN", "STERNUM", "THIGH",
        "THORAX", "THYROID", "TIBIA", "TLSPINE", "TOE", "TSPINE", "UTERUS", "WHOLEBODY", "WRIST",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Heading:
    """What a series says of itself, without an identifier.

    Attributes:
        patient_key, study_key, frame_key: keyed pseudonyms of the patient, the study and the frame of reference, or "".
        day: the study's day, counted from 1 January of year 1; None where no date is given.
        number: of the series in its study, or None.
        plane: "axial", "coronal" or "sagittal", the one its pictures are nearest to; "" where none is told.
        body_part: DICOM's word, such as "ABDOMEN", or "".
        repetition_ms, echo_ms: TR and TE of an MR series, ms, or None.
        contrast: whether a contrast agent is named.
    """

    patient_key: str = ""
    study_key: str = ""
    frame_key: str = ""
    day: int | None = None
    number: int | None = None
    plane: str = ""
    body_part: str = ""
    repetition_ms: float | None = None
    echo_ms: float | None = None
    contrast: bool = False


def read_heading(path: Path) -> Heading | None:
    """Read what a series says of itself from one of its files.

    Args:
        path: a DICOM file.

    Returns:
        The heading; None where the file is no DICOM file or its header cannot be read.
    """
    try:
        descriptor, status = open_source(path)
    except OSError:
        return None
    try:
        content = FileBytes(descriptor, status.st_size, os.pread(descriptor, CHUNK, 0))
        return _heading(content)
    except (IntakeError, OSError):
        return None
    finally:
        os.close(descriptor)


def _heading(content: FileBytes) -> Heading:
    data, syntax, has_preamble, media_class = open_dataset(content, WANTED)
    facts = parse_facts(data, syntax, has_preamble, media_class)
    element = data.elements.get
    patient = facts.patient[0] or facts.patient[1]
    number = first_number(element(0x00200011))
    return Heading(
        patient_key(patient.decode("latin-1")),
        _named(facts.study_uid),
        _named(facts.frame_uid),
        day_of(word(element(0x00080020))),
        None if number is None else int(number),
        _plane(facts.orientation),
        _body_part(word(element(0x00180015)).upper()),
        first_number(element(0x00180080)),
        first_number(element(0x00180081)),
        bool(word(element(0x00180010))),
    )


def _named(uid: str) -> str:
    return pseudonym(load_site_key(), uid) if uid else ""


def _plane(orientation: tuple[Sequence[float], Sequence[float]] | None) -> str:
    """Name the plane whose normal is nearest to that of the pictures (PS3.3 C.7.6.2.1.1)."""
    if orientation is None:
        return ""
    normal = np.cross(np.asarray(orientation[0], float), np.asarray(orientation[1], float))
    return PLANES[int(np.argmax(np.abs(normal)))]


def day_of(text: str) -> int | None:
    """Count the days of a DICOM date, so that two can be subtracted without either being shown.

    Args:
        text: such as "20201231".

    Returns:
        Days from 1 January of year 1, or None where it is no date.

    Example:
        >>> day_of("20210102") - day_of("20201231")
        2
    """
    if len(text) != 8 or not text.isdigit():
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal()
    except ValueError:
        return None


def _body_part(text: str) -> str:
    """Keep a defined term (PS3.16 Annex L); anything else might be free text and is left out."""
    return text if text in BODY_PARTS else ""
