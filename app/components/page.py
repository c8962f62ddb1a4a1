"""What every page shares: its dress and the line that is always on screen. Knows no study."""

from __future__ import annotations

from html import escape

import streamlit as st

from medres.results.disclaimer import DISCLAIMER

# Keys that belong to the page and not to the scan; the help overlay of the scan names them (keys.js).
ON, RECORD = "Ctrl+Right", "Ctrl+S"

# Fixed text, never made from anything that was read.
STYLE = """<style>
.stMainBlockContainer { padding: 4.1rem 1rem 0.5rem; }
[data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stHeader"] { background: #10151b; }
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: #b9c3ce !important; opacity: 1; }
[class*="st-key-side-"] {
  max-height: calc(100vh - 5rem); overflow: hidden auto; flex-wrap: nowrap; padding-right: 4px;
}
[class*="st-key-side-"] > * { flex-shrink: 0; }
.medres-owner { color: #ffd9a0; font-size: 0.82rem; }
</style>"""


def dress() -> None:
    """Make room for the scans: narrow margins."""
    st.html(STYLE)


def always_say(model: str) -> None:
    """Keep the research-use line on screen, with the model that the page is about."""
    st.html(f'<div class="medres-owner">{DISCLAIMER} · {escape(model)}</div>')


def plain(text: str) -> str:
    """Keep text that was read from meaning anything to Markdown, such as a star or a bracket."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-.!|<>~$:" else letter for letter in text)
