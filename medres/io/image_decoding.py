"""Bytes of a PNG, JPEG or TIFF -> samples (rows, columns[, 3]) as stored, and their transparency.

Knows picture formats; knows no scan. Size is checked before anything is decoded. Pillow decodes all but colour of 16
bits, which it would cut to 8, and grey TIFFs (`medres.io.tiff`): these go through imagecodecs.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from medres.errors import IntakeError
from medres.io.decoders import jpeg_bits, jpeg_size
from medres.io.limits import named_faults
from medres.io.tiff import (
    BITS,
    COMPRESSION,
    HEIGHT,
    SAMPLES,
    WIDTH,
    GreyTiff,
    decode_grey,
    describe,
    find_grey,
    read_tags,
)

MAGICS: dict[bytes, Literal["PNG", "JPEG", "TIFF"]] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
}
MAX_PIXELS = 2**27  # one picture of about 11,600 x 11,600
MAX_FILE_BYTES = 2**30
MOST_SAMPLES = 4  # red, green, blue, transparency
GREY_MODES = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
COLOUR_MODES = ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr")
EXIF_ORIENTATION = 0x0112
LOSSY_TIFF = (6, 7, 34712, 34887, 33003, 33005, 50001, 50002)  # JPEG, JPEG 2000, LERC, WebP: counted as lossy


@dataclass(frozen=True)
class PictureHeader:
    """What a picture says before it is decoded.

    Attributes:
        kind: the format.
        mode: Pillow's word for its samples.
        rows, columns: as stored, before EXIF's orientation.
        exif_orientation: 1 to 8; 1 where none is given.
        deep_colour: colour or transparency with 16 bits a sample.
        grey_tiff: a grey TIFF that Pillow does not read; None for all else.
        codes: `W_...` codes.
    """

    kind: Literal["PNG", "JPEG", "TIFF"]
    mode: str
    rows: int
    columns: int
    exif_orientation: int
    deep_colour: bool
    codes: tuple[str, ...]
    grey_tiff: GreyTiff | None = None


def looks_like_picture(path: Path) -> bool:
    """Tell a PNG, JPEG or TIFF file by its first bytes; never raises.

    Args:
        path: a file of any name.
    """
    try:
        with path.open("rb") as stream:
            return _kind(stream.read(8)) is not None
    except OSError:
        return False


def read_picture_header(path: Path) -> PictureHeader:
    """Read what a picture says of itself, and refuse what could not be one plane of a known kind.

    Args:
        path: PNG, JPEG or TIFF file.

    Raises:
        IntakeError: `E_SIZE_LIMIT`, `E_UNSUPPORTED`, `E_SERIES_AMBIGUOUS`, `E_TRUNCATED`, `E_NOT_FOUND`,
            `E_UNREADABLE`.
    """
    data = _read_all(path)
    kind = _kind(data)
    pages = read_tags(data) if kind == "TIFF" else []
    grey = find_grey(pages[0]) if pages else None
    if grey is not None:
        return _grey_header(grey, len(pages))
    with _open(data) as picture:
        if kind is None or picture.mode not in (*GREY_MODES, *COLOUR_MODES):
            what = f"a picture must be grey, RGB or palette, got {picture.mode}"
            raise IntakeError("E_UNSUPPORTED", what, "save it as grey or RGB in PNG")
        if pages and pages[0].get(SAMPLES, (1,))[0] > MOST_SAMPLES:
            what = f"a picture must have 1 to {MOST_SAMPLES} channels, got {describe(pages[0])}"
            raise IntakeError("E_UNSUPPORTED", what, "save it as grey or RGB in PNG")
        _require_one_picture(_count_frames(picture))
        deep = _is_deep_colour(data, kind, picture)
        upright = kind == "TIFF" and not deep  # Pillow turns a TIFF itself
        return PictureHeader(
            kind=kind,
            mode=picture.mode,
            rows=_tiff_tag(picture, HEIGHT, (picture.height,))[0] if deep else picture.height,
            columns=_tiff_tag(picture, WIDTH, (picture.width,))[0] if deep else picture.width,
            exif_orientation=1 if upright else _exif_orientation(picture),
            deep_colour=deep,
            codes=_codes(kind, picture),
        )


def _require_one_picture(frames: int) -> None:
    if frames != 1:
        what = f"the file must hold one picture, got {frames}"
        raise IntakeError("E_SERIES_AMBIGUOUS", what, "save the picture that is meant as a file of its own")


def _grey_header(grey: GreyTiff, pages: int) -> PictureHeader:
    """Make the header of a grey TIFF, size checked before anything is decoded."""
    _require_one_picture(pages)
    _require_pixels(grey.columns, grey.rows)
    spacing = ("W_SPACING_UNKNOWN",)
    return PictureHeader("TIFF", grey.dtype, grey.rows, grey.columns, grey.orientation, False, spacing, grey)


def decode_picture(path: Path, header: PictureHeader) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Decode a picture.

    Args:
        path: PNG, JPEG or TIFF file.
        header: what `read_picture_header` gave for it.

    Returns:
        (samples, alpha): samples (rows, columns) or (rows, columns, 3) as stored; alpha (rows, columns), or None.

    Raises:
        IntakeError: `E_TRUNCATED`, `E_UNREADABLE`, `E_SIZE_LIMIT`.
    """
    data = _read_all(path)
    try:
        if header.grey_tiff is not None:
            return decode_grey(data, header.grey_tiff), None
        return _decode_deep(data, header.kind) if header.deep_colour else _decode_pillow(data, header)
    except IntakeError:
        raise
    except MemoryError:
        what = f"{header.columns} x {header.rows} pixels must fit the memory of this machine"
        raise IntakeError("E_SIZE_LIMIT", what) from None
    except Exception as error:  # a decoder may raise anything on damaged bytes
        what = f"{header.columns} x {header.rows} pixels were announced, got a damaged stream ({type(error).__name__})"
        raise IntakeError("E_TRUNCATED", what) from None


def _kind(data: bytes) -> Literal["PNG", "JPEG", "TIFF"] | None:
    return next((kind for magic, kind in MAGICS.items() if data.startswith(magic)), None)


def _read_all(path: Path) -> bytes:
    if not path.is_file():
        raise IntakeError("E_NOT_FOUND", "no file is at this place")
    with named_faults():
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise IntakeError("E_SIZE_LIMIT", f"a picture file must be at most {MAX_FILE_BYTES} bytes, got {size}")
        return path.read_bytes()


def _open(data: bytes) -> Image.Image:
    """Open without decoding, size checked; Pillow's own warning about size is ours to give."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF"))
    except Image.DecompressionBombError:
        raise IntakeError("E_SIZE_LIMIT", f"at most {MAX_PIXELS} pixels are read, got more than Pillow opens") from None
    except UnidentifiedImageError:
        _refuse_kind(data)
        what = f"a file of {len(data)} bytes must be a whole PNG, JPEG or TIFF, got one that no decoder recognises"
        raise IntakeError("E_TRUNCATED" if _kind(data) else "E_UNSUPPORTED", what) from None
    except Exception as error:  # a decoder may raise anything on damaged bytes
        what = f"the header of a file of {len(data)} bytes must be readable, got {type(error).__name__}"
        raise IntakeError("E_TRUNCATED", what) from None
    _require_pixels(picture.width, picture.height)
    return picture


def _require_pixels(columns: int, rows: int) -> None:
    if columns * rows > MAX_PIXELS:
        raise IntakeError("E_SIZE_LIMIT", f"at most {MAX_PIXELS} pixels are read, got {columns} x {rows}")


def _refuse_kind(data: bytes) -> None:
    """Refuse a whole picture of a kind that is not read here; what is cut or damaged is left to the caller."""
    pages, cure = read_tags(data) if _kind(data) == "TIFF" else [], "save it as grey or RGB in PNG"
    if pages:
        raise IntakeError("E_UNSUPPORTED", f"a TIFF must be grey, RGB or palette, got {describe(pages[0])}", cure)
    size = jpeg_size(data)
    if size is not None:
        what = f"a JPEG must hold 8 bits a sample and be no lossless one, got {jpeg_bits(data)} bits"
        raise IntakeError("E_UNSUPPORTED", f"{what} in {size[2]} components", cure)


def _count_frames(picture: Image.Image) -> int:
    """Count frames; MPO's second picture is a thumbnail or another eye and is not read."""
    if picture.format in ("JPEG", "MPO"):
        return 1
    try:
        return int(getattr(picture, "n_frames", 1))
    except Exception as error:  # walks through the file's directories, which may be damaged
        what = f"the picture's directories must be readable, got {type(error).__name__}"
        raise IntakeError("E_TRUNCATED", what) from None


def _exif_orientation(picture: Image.Image) -> int:
    """Read EXIF's orientation; what is damaged or out of range counts as upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = picture.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # EXIF is a TIFF within the file and fails in its own ways
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _is_deep_colour(data: bytes, kind: str, picture: Image.Image) -> bool:
    if kind == "PNG":
        return len(data) > 25 and data[24] == 16 and data[25] != 0  # bit depth, colour type of IHDR
    if kind == "TIFF":
        bits = _tiff_tag(picture, BITS, (8,))
        return len(bits) > 1 and max(bits) > 8
    return False


def _tiff_tag(picture: Image.Image, tag: int, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    found = getattr(picture, "tag_v2", {}).get(tag, otherwise)
    return found if isinstance(found, tuple) else (found,)


def _codes(kind: str, picture: Image.Image) -> tuple[str, ...]:
    lossy = kind == "JPEG" or (kind == "TIFF" and _tiff_tag(picture, COMPRESSION, (1,))[0] in LOSSY_TIFF)
    palette = picture.mode in ("P", "PA")
    return (*(("W_LOSSY",) if lossy else ()), *(("W_PALETTE",) if palette else ()), "W_SPACING_UNKNOWN")


def _decode_pillow(data: bytes, header: PictureHeader) -> tuple[NDArray[Any], NDArray[Any] | None]:
    with _open(data) as picture:
        picture.load()
        if header.mode == "1":
            picture = picture.convert("L")
        if header.mode in ("P", "PA"):
            clear = "transparency" in picture.info or header.mode == "PA"
            picture = picture.convert("RGBA" if clear else "RGB")
        if header.mode in ("YCbCr", "RGBX"):
            picture = picture.convert("RGB")
        samples, alpha = _split_alpha(np.asarray(picture))
        if header.kind == "PNG" and alpha is None:
            alpha = _find_clear(samples, picture.info.get("transparency"), data[24])
    return samples.astype(samples.dtype.newbyteorder("="), copy=False), alpha


def _find_clear(samples: NDArray[Any], clear: object, bits: int) -> NDArray[Any] | None:
    """Make the transparency of a PNG that names one grey or colour as transparent."""
    if not isinstance(clear, int | tuple):
        return None
    colour = np.asarray(clear) * (255 // ((1 << bits) - 1) if bits < 8 else 1)  # as few bits are brought to 8
    differs = np.not_equal(samples, colour).reshape(*samples.shape[:2], -1)
    return np.asarray(differs.any(axis=2), np.uint8)


def _decode_deep(data: bytes, kind: str) -> tuple[NDArray[Any], NDArray[Any] | None]:
    decoded = imagecodecs.png_decode(data) if kind == "PNG" else imagecodecs.tiff_decode(data)
    return _split_alpha(np.asarray(decoded))


def _split_alpha(samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Part grey or colour from transparency."""
    if samples.ndim == 2:
        return samples, None
    channels = samples.shape[2]
    if channels not in (1, 2, 3, 4):
        raise IntakeError(
            "E_UNSUPPORTED", f"a picture must have 1 to 4 channels, got {channels}", "save it as grey or RGB"
        )
    colour = samples[:, :, 0] if channels < 3 else samples[:, :, :3]
    return colour, samples[:, :, -1] if channels in (2, 4) else None
