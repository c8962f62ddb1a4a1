"""What belongs to one session and goes with it: its tokens and its uploads. `state.py` alone keeps them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from app.doors import SHELF, Content, address


class Tokens:
    """One session's tokens, taken off the shelf when the session ends."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.study = ""
        weakref.finalize(self, lambda names: SHELF.drop(list(names.values())), self.by_name)

    def address(self, study_key: str, name: str, content: Content) -> str:
        """Give this session's address of a buffer; those of another study end."""
        if self.study != study_key:
            SHELF.drop(list(self.by_name.values()))
            self.by_name.clear()
            self.study = study_key
        if name not in self.by_name:
            self.by_name[name] = SHELF.put(content)
        return address(self.by_name[name])

    def end(self, name: str) -> None:
        """End one address; an unknown name is ignored."""
        if name in self.by_name:
            SHELF.drop([self.by_name.pop(name)])


class Uploads:
    """One session's uploads, in a folder of its own (mode 700) that goes with the session."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="medres-"))
        self.count = 0
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
