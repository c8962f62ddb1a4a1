"""What intake keeps of each DICOM image: facts that a series shares, and what differs from slice to slice.

Types only; `medres.io.header` fills them. Ten thousand of them must cost little, so that what a series shares is held
once (`Facts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was when its header was read.

    Attributes:
        path: where it lies.
        number: its place (from 1) among all files of the folder.
        folder: its folder relative to the one that was asked for; internal.
        size: bytes.
        mtime_ns: time of its last change.
    """

    path: Path
    number: int
    folder: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Facts:
    """Header elements that slices of one series share; parsed once per series.

    Attributes:
        patient: bytes that tell patients apart: (id, name, birth date), never shown.
        study_uid, series_uid, frame_uid: as in the header, or "".
        sop_class: SOP class UID.
        modality: as in the header.
        image_type: values of ImageType.
        syntax: transfer syntax UID.
        rows, columns, frames, samples: counts.
        photometric: PhotometricInterpretation.
        bits_allocated, bits_stored: bits.
        signed: PixelRepresentation is 1.
        orientation: (row cosines, column cosines) in LPS, or None.
        spacing: (between rows, between columns) mm, or None.
        detector_spacing: the spacing is ImagerPixelSpacing's.
        region_spacing: the spacing is that of an ultrasound picture's calibrated region.
        thickness_mm: SliceThickness, or None.
        padding: (lowest, highest) stored value of padding, or None.
        units: of PET, such as "BQML", or "".
        rescale_type: what the rescaled values of CT are, such as "HU", or "".
        burned_in: text may be burned into the pixels.
        lossy: the pixels went through lossy compression.
        lossy_ratio: as the header says, or None.
        strong: attributes that always make separate volumes: (name, value) pairs.
        settings: of scan and reconstruction, that make separate volumes only where stacks of slices overlap.
        no_preamble: the file had no preamble.
        explicit, order: how its elements are written.
    """

    patient: tuple[bytes, bytes, bytes]
    study_uid: str
    series_uid: str
    frame_uid: str
    sop_class: str
    modality: str
    image_type: tuple[str, ...]
    syntax: str
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    orientation: tuple[Vector, Vector] | None
    spacing: tuple[float, float] | None
    detector_spacing: bool
    region_spacing: bool
    thickness_mm: float | None
    padding: tuple[int, int] | None
    units: str
    rescale_type: str
    burned_in: bool
    lossy: bool
    lossy_ratio: float | None
    strong: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, float], ...]
    no_preamble: bool
    explicit: bool
    order: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane of one file.

    Attributes:
        source: the file.
        frame: which of its planes, from 0.
        facts: what it shares with its series.
        position: ImagePositionPatient, LPS mm, or None.
        slope, intercept: to the modality's unit; None where the header has none.
        lut: ModalityLUTSequence's bytes, equal ones held once, or None.
        has_voi: a VOILUTSequence is there; it is read again when it is needed, for it may hold 128 kB.
        window: (center, width) in the modality's unit, or None.
        sop_uid: SOPInstanceUID or "".
        pixel_position, pixel_length: of PixelData's value; length -1 when encapsulated.
        weak: attributes that make separate volumes only where slices would lie on each other: name to value.
        is_cine: it stands for several frames that the header does not place one by one.
    """

    source: Source
    frame: int
    facts: Facts
    position: Vector | None
    slope: float | None
    intercept: float | None
    lut: bytes | None
    has_voi: bool
    window: tuple[float, float] | None
    sop_uid: str
    pixel_position: int
    pixel_length: int
    weak: tuple[tuple[str, float], ...]
    is_cine: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A DICOM file that cannot be read.

    Attributes:
        source: the file.
        series_uid: where the header was read far enough, else "".
        modality: the same.
        code: why.
        what: why, with the numbers.
    """

    source: Source
    series_uid: str
    modality: str
    code: str
    what: str
