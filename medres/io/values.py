"""Raw bytes of DICOM elements -> numbers and words, or the element's name and the rule it breaks.

Knows value representations; no file, no geometry. A value that is no number is never repeated in a message: it may be
anything, a name as well.
"""

from __future__ import annotations

import math
import re
import struct
from typing import NoReturn

from medres.errors import IntakeError

CODE_STRING = re.compile("[A-Z0-9_ ]{1,16}")  # PS3.5 6.2
_BLANKS = " \0\t\r\n"
LARGEST = 1e30  # beyond, float32 overflows once a slope meets a stored value
SMALLEST_SLOPE = 1e-30  # below, float32 makes every value 0


def refuse(element: str, rule: str, got: str) -> NoReturn:
    """Refuse a header element by name.

    Args:
        element: DICOM keyword, such as "RescaleSlope".
        rule: what it must be.
        got: the number that stands there, or a description; never free text of the header.

    Raises:
        IntakeError: `E_HEADER_VALUE`, always.
    """
    raise IntakeError("E_HEADER_VALUE", f"{element} must be {rule}, got {got}")


def word(raw: bytes | None) -> str:
    """Read a code string or UID.

    Example:
        >>> word(b"MR ")
        'MR'
    """
    return "" if raw is None else raw.decode("latin-1").rstrip(_BLANKS).lstrip(" ")


def code_word(raw: bytes | None) -> str:
    """Read one code string that is shown; "" where it is none, for it may be anything, a name as well.

    Example:
        >>> code_word(b"ct "), code_word(b"Doe^Jane")
        ('CT', '')
    """
    text = word(raw).upper()
    return text if CODE_STRING.fullmatch(text) else ""


def words(raw: bytes | None) -> tuple[str, ...]:
    r"""Read code strings that are parted by backslashes.

    Example:
        >>> words(b"ORIGINAL\\PRIMARY ")
        ('ORIGINAL', 'PRIMARY')
    """
    text = word(raw)
    return tuple(part.strip(" ") for part in text.split("\\")) if text else ()


def numbers(raw: bytes | None, element: str, count: int | None = None) -> tuple[float, ...] | None:
    r"""Read decimal strings.

    Args:
        raw: the value's bytes, or None.
        element: DICOM keyword, for the message.
        count: how many there must be; None allows any.

    Returns:
        The numbers, all finite; None where the element is absent or empty.

    Raises:
        IntakeError: `E_HEADER_VALUE`.

    Example:
        >>> numbers(b"0.5\\0.75", "PixelSpacing", 2)
        (0.5, 0.75)
    """
    parts = words(raw)
    if not parts:
        return None
    try:
        found = tuple(map(float, parts))
    except ValueError:
        refuse(element, "a number", "text that is none")
    if not all(abs(value) < LARGEST for value in found):  # NaN too
        refuse(element, f"finite and below {LARGEST:g}", ", ".join(f"{value:g}" for value in found))
    if count is not None and len(found) != count:
        refuse(element, f"{count} number{'s' if count > 1 else ''}", f"{len(found)}")
    if b"_" in (raw or b""):  # Python reads 1_0 as 10
        refuse(element, "a number", "text that is none")
    return found


def first_number(raw: bytes | None) -> float | None:
    r"""Read the first decimal string where it is one; for elements that nothing depends on.

    Example:
        >>> first_number(b"40\\80"), first_number(b"WIDE")
        (40.0, None)
    """
    parts = words(raw)
    try:
        value = float(parts[0]) if parts else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def count_of(raw: bytes | None, order: str, element: str) -> int | None:
    r"""Read one unsigned short (US).

    Raises:
        IntakeError: `E_HEADER_VALUE` where it is not two bytes long.

    Example:
        >>> count_of(b"\x00\x02", "<", "Rows")
        512
    """
    if not raw:
        return None
    if len(raw) != 2:
        refuse(element, "one short number", f"{len(raw)} bytes")
    return int(struct.unpack(order + "H", raw)[0])


def required_count(raw: bytes | None, order: str, element: str) -> int:
    """Read one unsigned short that must be there and not 0.

    Raises:
        IntakeError: `E_HEADER_VALUE`.
    """
    value = count_of(raw, order, element)
    if not value:
        refuse(element, "a positive number", "none" if value is None else "0")
    return value


def stored_value(raw: bytes | None, order: str, signed: bool) -> int | None:
    r"""Read a value of the pixels' own kind, whatever its VR claims.

    Args:
        raw: two bytes (some writers: a decimal string).
        order: "<" or ">".
        signed: PixelRepresentation is 1; US 63536 then means -2000.

    Example:
        >>> stored_value(b"\x30\xf8", "<", True)
        -2000
    """
    if not raw:
        return None
    if len(raw) == 2:
        return int(struct.unpack(order + ("h" if signed else "H"), raw)[0])
    if len(raw) == 4 and not word(raw).lstrip("-").isdigit():
        return int(struct.unpack(order + ("i" if signed else "I"), raw)[0])
    number = first_number(raw)
    return None if number is None else int(number)


def clock(date: bytes | None, time: bytes | None) -> float | None:
    """Turn DICOM's date and time into a number that grows with time; nothing else is meant by it.

    Example:
        >>> clock(None, b"120000.5") > clock(None, b"115959")
        True
    """
    day, moment = first_number(date), first_number(time)
    return None if moment is None else (day or 0.0) * 1e6 + moment


def moment(raw: bytes | None) -> float | None:
    """Turn DICOM's date-time into a number that grows with time, its offset from UTC left out.

    Example:
        >>> moment(b"20200101120000.25+0100")
        20200101120000.25
    """
    text = word(raw)
    return first_number(text.partition("+")[0].partition("-")[0].encode("latin-1"))
