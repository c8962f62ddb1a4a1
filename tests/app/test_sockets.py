"""Answers leave at once: connections take the option over from the socket that is listened at."""

from __future__ import annotations

import socket
import sys

import pytest

from app.sockets import send_at_once


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of sockets are not known there")
def test_connections_that_are_taken_from_then_on_do_not_wait_for_more_to_send():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        send_at_once()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_socket_that_is_not_listened_at_is_left_alone():
    with socket.socket() as idle:
        idle.bind(("127.0.0.1", 0))
        send_at_once()
        assert not idle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
