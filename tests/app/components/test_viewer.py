"""The component's text: one module, in order, nothing from elsewhere."""

from __future__ import annotations

import re

from app.components.viewer import module_text, style_text


def test_the_module_exports_once_and_imports_nothing():
    text = module_text()
    assert text.count("export default") == 1
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)


def test_neither_script_nor_style_names_another_site():
    assert not re.search(r"https?://", module_text() + style_text())


def test_the_script_never_writes_markup():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", module_text())
