"""Text that was read means nothing to Markdown."""

from __future__ import annotations

from app.components.page import plain


def test_markdown_and_colour_directives_are_made_plain():
    assert plain("**a** :red[b] <i>") == "\\*\\*a\\*\\* \\:red\\[b\\] \\<i\\>"
