"""A probability -> how a reader sees it, the same on the command line, in reports and in the viewer."""

from __future__ import annotations

LEAST, MOST = 0.001, 0.999  # three digits, never a certainty


def probability_words(probability: float) -> str:
    """Show a probability with three digits, never as a certainty.

    Args:
        probability: in [0, 1].

    Returns:
        Such as "0.882".

    Example:
        >>> probability_words(0.99997)
        '> 0.999'
    """
    if probability < LEAST:
        return f"< {LEAST}"
    return f"> {MOST}" if probability > MOST else f"{probability:.3f}"
