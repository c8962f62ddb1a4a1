"""Weights are fetched with resume from a real server, proved, and kept whole or not at all."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import safetensors.torch
import torch

from medres.errors import ModelError
from medres.models.download import fetch, find_start, find_weights, known_digest, weights_folder
from medres.models.sources import find_source


class Harm:
    def __reduce__(self):
        return (print, ("harm done",))


class Server(ThreadingHTTPServer):
    """Serves one file; breaks off after `limit` bytes of an answer while that is set."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag, self.limit, self.asked = b"", '"1"', None, []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        start, status = 0, 200
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if asked and self.headers.get("If-Range") == server.tag:
            start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(server.content):
                self.send_error(416)
                return
        self.send_response(status)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.send_header("ETag", server.tag)
        self.end_headers()
        end = None if server.limit is None else start + server.limit
        self.wfile.write(server.content[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDRES_WEIGHTS", str(tmp_path / "weights"))
    torch.save({"conv1.weight": torch.rand(40_000)}, tmp_path / "w.pth")
    server = Server()
    server.content = (tmp_path / "w.pth").read_bytes()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def source(server, **changes):
    facts = {"url": f"http://127.0.0.1:{server.server_port}/resnet18-1.pth", "sha256": digest(server)[:8]}
    return replace(find_source("resnet18-imagenet-v1"), **(facts | changes))


def digest(server):
    return hashlib.sha256(server.content).hexdigest()


def kept():
    return sorted(path.name for path in weights_folder().glob("*"))


def test_fetched_file_is_whole_and_its_full_digest_is_pinned(server):
    seen = []
    path = fetch(source(server), lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == server.content
    assert seen[-1] == (len(server.content), len(server.content))
    assert known_digest(source(server)) == digest(server)
    assert kept() == ["pins.json", "resnet18-1.pth"]
    fetch(source(server))
    assert len(server.asked) == 1


def test_broken_download_goes_on_where_it_stopped(server):
    server.limit = 100_000
    with pytest.raises(
        ModelError, match=r"E_WEIGHTS_FETCH: .*127\.0\.0\.1.*run it again to go on; offline, place http"
    ):
        fetch(source(server))
    assert "resnet18-1.pth" not in kept()
    server.limit = None
    assert fetch(source(server)).read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-"]


def test_two_versions_of_a_file_are_never_joined(server):
    server.limit = 100_000
    with pytest.raises(ModelError, match="E_WEIGHTS_FETCH"):
        fetch(source(server))
    server.limit, server.tag = None, '"2"'
    assert fetch(source(server)).read_bytes() == server.content


def test_file_that_was_whole_but_not_yet_proved_is_taken(server):
    folder = weights_folder()
    folder.mkdir()
    (folder / "resnet18-1.pth.part").write_bytes(server.content)
    (folder / "resnet18-1.pth.part.tag").write_text(server.tag)
    assert fetch(source(server)).read_bytes() == server.content


def test_altered_file_is_refused_and_not_kept(server):
    with pytest.raises(
        ModelError, match=r"E_WEIGHTS_DIGEST: .* must start with 00000000, got [0-9a-f]{16} \(\d+ bytes"
    ):
        fetch(source(server, sha256="00000000"))
    assert kept() == []


def test_pickle_with_code_is_refused_and_not_kept(server, capsys):
    server.content = pickle.dumps({"conv1.weight": Harm()})
    with pytest.raises(ModelError, match="E_WEIGHTS_FILE"):
        fetch(source(server, sha256=""))
    assert kept() == []
    assert "harm" not in capsys.readouterr().out


def test_unpublished_digest_is_pinned_and_must_stay(server):
    unknown = source(server, sha256="")
    path = fetch(unknown)
    assert json.loads((weights_folder() / "pins.json").read_text()) == {unknown.name: digest(server)}
    path.write_bytes(server.content[:-1])
    with pytest.raises(ModelError, match="E_WEIGHTS_DIGEST"):
        find_weights(unknown)


def test_unknown_file_on_the_server_is_said_with_its_status(server):
    def refuse(handler):
        handler.send_error(404)

    server.RequestHandlerClass = type("Refusing", (Handler,), {"do_GET": refuse})
    with pytest.raises(ModelError, match=r"E_WEIGHTS_FETCH: .* answered 404"):
        fetch(source(server))


def test_without_a_network_one_sentence_says_which_file_goes_where(server):
    with pytest.raises(ModelError) as caught:
        find_weights(find_source("resnet10-medicalnet"))
    assert caught.value.code == "E_WEIGHTS_MISSING"
    assert "resnet_10_23dataset.pth in the folder that MEDRES_WEIGHTS names" in str(caught.value)


def test_start_may_be_a_source_a_file_or_a_model(server, tmp_path):
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "own.safetensors")
    assert find_start("own.safetensors", tmp_path) == tmp_path / "own.safetensors"
    with pytest.raises(ModelError, match="E_WEIGHTS_MISSING"):
        find_start("resnet18-imagenet-v1", tmp_path)
    with pytest.raises(ModelError, match=r"E_WEIGHTS_MISSING: .* a path with nothing there"):
        find_start("runs/none.pth", tmp_path)
    (tmp_path / "runs" / "backbone").mkdir(parents=True)
    with pytest.raises(
        ModelError, match=r"E_WEIGHTS_MISSING: .* a folder that is no TrainedModel - name the file in it"
    ):
        find_start("runs/backbone", tmp_path)
    with pytest.raises(ModelError, match="E_WEIGHTS_SOURCE"):
        find_start("resnet18", tmp_path)
