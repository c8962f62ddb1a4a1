"""AuditReport + pictures of its pairs -> one self-contained HTML page with the offending pairs side by side.

Knows no file of a data set: rows are named by number, parts by name.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from medres.datasets.audit import AuditReport
from medres.datasets.leaks import Pair
from medres.datasets.twins import TWIN
from medres.errors import CODES
from medres.evaluation.estimate import Estimate
from medres.results.disclaimer import DISCLAIMER

TEMPLATES = Path(__file__).parent / "templates"
MOST_PAIRS = 240  # of one section; the JSON has them all
QUALITY = 80  # of the JPEG pictures in the page


def build_audit_html(report: AuditReport, pictures: Mapping[int, NDArray[np.uint8]]) -> str:
    """Lay an audit out as one page; nothing is fetched from anywhere when it is opened.

    Args:
        report: what is told.
        pictures: row number to (rows, columns) uint8, for the rows of `shown_rows`.

    Returns:
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("audit.html.jinja").render(
        report=report,
        disclaimer=DISCLAIMER,
        sections=_sections(report),
        conflicts=report.conflicts[:MOST_PAIRS],
        labels=_labels(report),
        pictures={number: _encode(picture) for number, picture in pictures.items()},
        estimate=say_estimate,
        cures={code.code: code.cure for code in CODES.values()},
        most=MOST_PAIRS,
        usual=TWIN,
        name_some=name_some,
    )


def shown_rows(report: AuditReport) -> tuple[int, ...]:
    """List the rows whose pictures the page needs.

    Args:
        report: the page's.
    """
    pairs = chain.from_iterable(section["pairs"] for section in _sections(report))
    numbers = chain((n for pair in pairs for n in (pair.first, pair.second)), *report.conflicts[:MOST_PAIRS])
    return tuple(sorted(set(numbers)))


def _sections(report: AuditReport) -> list[dict[str, Any]]:
    """Order pairs by what they harm: across parts, across labels, then the rest; the least alike first."""
    order = sorted(report.pairs, key=lambda pair: (pair.kind == "exact", pair.likeness))
    across = [pair for pair in order if pair.parts[0] != pair.parts[1]]
    conflicting = [pair for pair in order if pair.labels[0] != pair.labels[1]]
    rest = [pair for pair in order if pair.parts[0] == pair.parts[1] and pair.labels[0] == pair.labels[1]]
    named = (
        ("Pairs across parts of the split", across),
        ("Pairs with different labels", conflicting),
        ("Other pairs", rest),
    )
    return [{"title": title, "count": len(pairs), "pairs": pairs[:MOST_PAIRS]} for title, pairs in named if pairs]


def _labels(report: AuditReport) -> dict[int, str]:
    return dict(chain.from_iterable(_row_labels(pair) for pair in report.pairs))


def _row_labels(pair: Pair) -> Iterator[tuple[int, str]]:
    yield pair.first, pair.labels[0]
    yield pair.second, pair.labels[1]


def _encode(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()


def say_estimate(estimate: Estimate) -> str:
    """Say a number with its interval, or why there is none.

    Args:
        estimate: any.

    Example:
        >>> say_estimate(Estimate(0.91234, 0.88, 0.95))
        '0.912 (0.880 to 0.950)'
    """
    if estimate.value is None:
        return f"not defined: {estimate.reason}"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.lower:.3f} to {estimate.upper:.3f})"


def name_some(numbers: Sequence[int], most: int = 20) -> str:
    """Spell row numbers for a table.

    Args:
        numbers: row numbers.
        most: spelt out; the others are counted.

    Example:
        >>> name_some([4, 5, 6], most=2)
        '4, 5 and 1 more'
    """
    text = ", ".join(map(str, numbers[:most]))
    return text + (f" and {len(numbers) - most} more" if len(numbers) > most else "")
