"""One encapsulated frame -> its stored numbers, by the decoder of its transfer syntax.

All decoders here have permissive licences and release the interpreter's lock, so that two cores decode two frames.
Before a decoder is called, the size that the compressed stream itself announces is compared with the header's: a stream
that would decode to another size is refused before anything is allocated.
"""

from __future__ import annotations

import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from medres.errors import IntakeError

NATIVE = frozenset(
    "1.2.840.10008.1.2" + tail for tail in ("", ".1", ".2", ".1.99")
)  # implicit, explicit, big endian, deflated
_JPEG = "1.2.840.10008.1.2.4."
START_OF_TILE, END_OF_CODESTREAM = b"\xff\x90", b"\xff\xd9"
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
_HOOK_LOCK = threading.Lock()  # one decoder at a time, while what it throws is watched
SPARE_BITS = 3  # that a JPEG 2000 encoder may give coefficients beyond the bits of a sample; 0 to 2 are usual


@dataclass(frozen=True)
class Decoder:
    """How one family of transfer syntaxes is read.

    Attributes:
        name: for people.
        decode: bytes of one frame to an array.
        size: bytes to (rows, columns, components) as the stream announces them, or None where it does not.
        bits: bytes of a stream whose size is known to the bits of one sample as the stream announces them.
    """

    name: str
    decode: Callable[[bytes], NDArray[Any]]
    size: Callable[[bytes], tuple[int, int, int] | None]
    bits: Callable[[bytes], int]


def jpeg_size(stream: bytes) -> tuple[int, int, int] | None:
    """Read rows, columns and components from a JPEG or JPEG-LS frame header.

    Args:
        stream: one frame.

    Returns:
        (rows, columns, components), or None where no frame header is found.

    Source:
        ITU-T T.81 B.2.2.
    """
    start = _jpeg_frame(stream)
    return None if start is None else struct.unpack_from(">HHB", stream, start + 5)


def jpeg_bits(stream: bytes) -> int:
    """Read the bits of one sample from a JPEG or JPEG-LS frame header; 0 where there is none."""
    start = _jpeg_frame(stream)
    return 0 if start is None else stream[start + 4]


def _jpeg_frame(stream: bytes) -> int | None:
    """Find the marker of the frame header."""
    if stream[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 10 <= len(stream):
        if stream[position] != 0xFF:
            return None
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return position
        position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    return None


def jpeg2000_size(stream: bytes) -> tuple[int, int, int] | None:
    """Read rows, columns and components from a JPEG 2000 codestream or its JP2 wrapper.

    Source:
        ITU-T T.800 A.5.1.
    """
    start = stream.find(b"\xff\x4f\xff\x51")
    if start < 0 or start + 42 > len(stream):
        return None
    width, height, left, top = struct.unpack_from(">LLLL", stream, start + 8)
    return height - top, width - left, int.from_bytes(stream[start + 40 : start + 42], "big")


def jpeg2000_bits(stream: bytes) -> int:
    """Read the bits of one sample from a JPEG 2000 codestream or its JP2 wrapper; 0 where there are none.

    Source:
        ITU-T T.800 A.5.1: the lowest seven bits, less one; the eighth is the sign.
    """
    start = stream.find(b"\xff\x4f\xff\x51")
    return (stream[start + 42] & 0x7F) + 1 if 0 <= start < len(stream) - 42 else 0


_FAMILIES = (
    ("JPEG", "jpeg8", jpeg_size, jpeg_bits, ("50", "51", "57", "70")),
    ("JPEG-LS", "jpegls", jpeg_size, jpeg_bits, ("80", "81")),
    ("JPEG 2000", "jpeg2k", jpeg2000_size, jpeg2000_bits, ("90", "91")),
    ("HTJ2K", "htj2k", jpeg2000_size, jpeg2000_bits, ("201", "202", "203")),
)


def find_decoders() -> dict[str, Decoder]:
    """List the decoders that the installed imagecodecs was built with.

    Returns:
        Transfer syntax UID to Decoder.
    """
    found = {}
    for name, codec, size, bits, tails in _FAMILIES:
        if getattr(getattr(imagecodecs, codec.upper(), None), "available", False):
            decoder = Decoder(name, getattr(imagecodecs, f"{codec}_decode"), size, bits)
            found.update({_JPEG + tail: decoder for tail in tails})
    return found


DECODERS = find_decoders()
RLE = "1.2.840.10008.1.2.5"
NAMES = {
    **{_JPEG + tail: name for name, *_, tails in _FAMILIES for tail in tails},
    _JPEG + "92": "JPEG 2000 multi-component",
    _JPEG + "93": "JPEG 2000 multi-component",
    **dict.fromkeys((_JPEG + "100", _JPEG + "101"), "MPEG-2 video"),
    **{_JPEG + f"10{tail}": "MPEG-4 video" for tail in range(2, 7)},
    **dict.fromkeys((_JPEG + "107", _JPEG + "108"), "HEVC video"),
    **{_JPEG + f"11{tail}": "JPEG XL" for tail in range(3)},
}


def require_decoder(syntax: str) -> None:
    """Refuse a transfer syntax that nothing here reads.

    Raises:
        IntakeError: `E_NO_DECODER`.
    """
    if syntax not in NATIVE and syntax not in DECODERS and syntax != RLE:
        name = NAMES.get(syntax, "a syntax that is not known here")
        raise IntakeError(
            "E_NO_DECODER",
            f"no decoder is installed for {name}",
            "update imagecodecs, or export uncompressed or as JPEG 2000 lossless",
        )


def decode_frame(
    stream: bytes, syntax: str, shape: tuple[int, int], bits_allocated: int, samples: int = 1
) -> NDArray[Any]:
    """Decode one frame.

    Args:
        stream: its compressed bytes.
        syntax: transfer syntax UID.
        shape: (rows, columns) that the header promises.
        bits_allocated: 8, 16 or 32.
        samples: per pixel.

    Returns:
        (rows, columns) or (rows, columns, samples), the decoder's own integer type.

    Raises:
        IntakeError: `E_NOT_DICOM` where the stream is of another kind or size than the header says; `E_TRUNCATED`
            where it ends early; `E_NO_DECODER`.
    """
    if syntax == RLE:
        return decode_rle(stream, shape, bits_allocated, samples)
    require_decoder(syntax)
    decoder = DECODERS[syntax]
    announced = decoder.size(stream)
    if announced is None:
        raise IntakeError(
            "E_NOT_DICOM", f"the pixels must be {decoder.name}, as the transfer syntax says; they are not"
        )
    if announced != (*shape, samples):
        got, want = (" x ".join(map(str, size)) for size in (announced, (*shape, samples)))
        raise IntakeError("E_NOT_DICOM", f"the compressed frame must be {want}, as the header says, got {got}")
    return _run(decoder, stream).reshape(shape if samples == 1 else (*shape, samples))


def require_depth(stream: bytes, syntax: str, found: NDArray[Any], bits_stored: int, signed: bool) -> None:
    """Refuse a stream whose bits of a sample are not the header's and leave more than one reading.

    Many archives hold 12 bits in a stream of 16: nothing is lost there. But a stream with a sign whose header has none
    has two readings, and so has one with fewer bits than BitsStored, where a number with its highest bit set may be
    positive or negative. A JPEG 2000 stream whose own wavelet coefficients need other bits than it announces is
    damaged: it would be clipped or shifted.

    Args:
        stream: one frame.
        syntax: transfer syntax UID, of one of `DECODERS`.
        found: the frame, decoded.
        bits_stored: BitsStored of the header.
        signed: PixelRepresentation of the header is 1.

    Raises:
        IntakeError: `E_NOT_DICOM` or `E_TRUNCATED`.
    """
    if syntax not in DECODERS:
        return
    decoder = DECODERS[syntax]
    bits = decoder.bits(stream)
    if found.dtype.kind == "i" and not signed and int(found.min()) < 0:
        raise IntakeError("E_NOT_DICOM", "the stream must hold unsigned numbers, as PixelRepresentation says; it holds "
                                         f"signed ones down to {int(found.min())}")  # fmt: skip
    if bits == bits_stored:
        return
    if decoder.size is jpeg2000_size:
        _require_range(stream, bits)
    if signed and found.dtype.kind == "u" and bits < bits_stored and int(found.max()) >> (bits - 1):
        raise IntakeError(
            "E_NOT_DICOM", f"the stream must hold signed numbers of {bits_stored} bits, it holds {bits} without a sign"
        )


def _require_range(stream: bytes, bits: int) -> None:
    """Refuse a JPEG 2000 stream without quantisation whose coefficients have another range than its samples.

    Source:
        ITU-T T.800 A.6.4 and E.1: the exponent of the lowest band is the bits of a sample, and a few to spare.
    """
    start = stream.find(b"\xff\x5c")
    if start < 0 or start + 6 > len(stream) or stream[start + 4] & 0x1F:
        return
    guard, exponent = stream[start + 4] >> 5, stream[start + 5] >> 3
    if not exponent - SPARE_BITS <= bits <= exponent + guard:
        raise IntakeError(
            "E_TRUNCATED", f"the JPEG 2000 stream announces {bits} bits and has coefficients of {exponent}"
        )


def _require_tiles(stream: bytes) -> None:
    """Refuse a JPEG 2000 codestream that ends before its last tile part: not every decoder says so.

    Source:
        ITU-T T.800 A.4.2: Psot counts from the tile part's first byte, 0 means to the end.
    """
    position = stream.find(b"\xff\x4f\xff\x51") + 2
    while position + 4 <= len(stream) and stream[position : position + 2] != END_OF_CODESTREAM:
        tile = stream[position : position + 2] == START_OF_TILE
        length = int.from_bytes(
            stream[position + 6 : position + 10] if tile else stream[position + 2 : position + 4], "big"
        )
        if tile and length == 0:
            position = stream.rfind(END_OF_CODESTREAM)
            break
        position += length if tile else length + 2
    if not 0 <= position <= len(stream):
        raise IntakeError(
            "E_TRUNCATED", f"the tiles of the codestream end after {position} bytes, it holds {len(stream)}"
        )


def _require_end(stream: bytes, name: str) -> None:
    """Refuse a JPEG or JPEG-LS stream without an end of image.

    Where a scan just stops, libjpeg fills the rest of the picture with what it likes, and CharLS reads on for ever.

    Source:
        ITU-T T.81 B.1.1.5 and T.87 A.1: within a scan, a byte of ones is followed by 0 or a bit of 0, so that this
        marker cannot stand there.
    """
    if stream.find(END_OF_IMAGE, stream.find(START_OF_SCAN)) < 0:
        raise IntakeError("E_TRUNCATED", f"the {name} stream of {len(stream)} bytes has no end of image")


@contextmanager
def _nothing_ignored() -> Iterator[None]:
    """Raise what a decoder throws where Python cannot pass it on; the pixels that it left undone are not to be used."""
    faults: list[object] = []
    with _HOOK_LOCK:
        before, sys.unraisablehook = sys.unraisablehook, lambda fault: faults.append(fault.exc_type)
        try:
            yield
        finally:
            sys.unraisablehook = before
    if faults:
        raise ValueError("the decoder left pixels undone")


def _run(decoder: Decoder, stream: bytes) -> NDArray[Any]:
    """Call a decoder; whatever it complains of is a stream that is cut short or damaged."""
    try:
        if decoder.name == "HTJ2K":
            _require_tiles(stream)
            with _nothing_ignored():
                return np.asarray(decoder.decode(stream))
        if decoder.size is jpeg_size:
            _require_end(stream, decoder.name)
            return np.asarray(decoder.decode(stream + END_OF_IMAGE))
        return np.asarray(decoder.decode(stream))
    except (MemoryError, IntakeError):
        raise
    except Exception as fault:  # each codec has its own exception class; none is a fault of ours
        text = f"the {decoder.name} stream of {len(stream)} bytes is cut short or damaged"
        raise IntakeError("E_TRUNCATED", text) from fault


def decode_rle(stream: bytes, shape: tuple[int, int], bits_allocated: int, samples: int = 1) -> NDArray[Any]:
    """Decode one RLE frame: a segment of packed bits for each byte of each sample, highest byte first.

    Args:
        stream: header of 64 bytes, then the segments.
        shape: (rows, columns).
        bits_allocated: 8, 16 or 32.
        samples: per pixel.

    Returns:
        (rows, columns) or (rows, columns, samples), unsigned.

    Raises:
        IntakeError: `E_NOT_DICOM` or `E_TRUNCATED`.

    Source:
        PS3.5 annex G.
    """
    width, count = bits_allocated // 8, shape[0] * shape[1]
    offsets = struct.unpack_from("<16L", stream) if len(stream) >= 64 else (0,)
    if offsets[0] != width * samples or list(offsets[1 : 1 + offsets[0]]) != sorted(offsets[1 : 1 + offsets[0]]):
        raise IntakeError("E_NOT_DICOM", f"an RLE frame must have {width * samples} segments, got {offsets[0]}")
    bounds = [*offsets[1 : 1 + offsets[0]], len(stream)]
    planes = np.empty((samples, count, width), np.uint8)
    for n in range(samples * width):
        segment = _unpack_bits(stream[bounds[n] : bounds[n + 1]], count)
        planes[n // width, :, width - 1 - n % width] = segment
    pixels = planes.view(f"<u{width}")[..., 0]  # (samples, rows * columns)
    return pixels[0].reshape(shape) if samples == 1 else np.moveaxis(pixels.reshape(samples, *shape), 0, -1)


def _unpack_bits(segment: bytes, count: int) -> NDArray[np.uint8]:
    """Unpack one segment into exactly `count` bytes; one padding byte may follow."""
    try:
        unpacked = np.frombuffer(imagecodecs.packbits_decode(segment, out=count + 2), np.uint8)
    except Exception as fault:  # the codec's own exception class
        raise IntakeError("E_TRUNCATED", "an RLE segment is cut short or damaged") from fault
    if len(unpacked) < count:
        raise IntakeError("E_TRUNCATED", f"an RLE segment must hold {count} bytes, got {len(unpacked)}")
    return unpacked[:count]
