"""What a session holds ends with it."""

from __future__ import annotations

import gc
import stat

from app.doors import SHELF
from app.session import Tokens, Uploads

CONTENT = memoryview(bytes(256))


def test_tokens_differ_by_session_share_the_buffer_and_end_with_it():
    mine, yours = Tokens(), Tokens()
    first, second = mine.address("s", "volume", CONTENT), yours.address("s", "volume", CONTENT)
    assert first != second
    assert mine.address("s", "volume", CONTENT) == first
    tokens = [mine.by_name["volume"], yours.by_name["volume"]]
    assert all(SHELF.find(token).obj is CONTENT.obj for token in tokens)
    mine.address("t", "volume", CONTENT)
    assert SHELF.find(tokens[0]) is None
    tokens += mine.by_name.values()
    del mine, yours
    gc.collect()
    assert [SHELF.find(token) for token in tokens] == [None] * 3


def test_uploads_are_their_owners_alone_and_go_with_the_session():
    uploads = Uploads()
    place = uploads.folder
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    (place / "1").mkdir()
    del uploads
    gc.collect()
    assert not place.exists()
