"""A running process -> the name under which it claims series, and whether it still lives.

Knows processes; knows no ledger.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass

import psutil

START_TOLERANCE_S = 2.0  # a process number is given again; its start tells the two apart


@dataclass(frozen=True)
class Owner:
    """One run of a program.

    Attributes:
        host: a hash would do as well; never leaves the ledger.
        pid: process number.
        started: when the process began, seconds since 1970.
        token: tells two runs in one process apart.
    """

    host: str
    pid: int
    started: float
    token: str

    def __str__(self) -> str:
        return f"{self.host}|{self.pid}|{self.started:.2f}|{self.token}"


def this_run() -> Owner:
    """Name the current process.

    Returns:
        A new owner; two calls give two.
    """
    return Owner(socket.gethostname(), os.getpid(), psutil.Process().create_time(), secrets.token_hex(4))


def is_alive(owner: str) -> bool | None:
    """Tell whether an owner still runs.

    Args:
        owner: `str(Owner)`.

    Returns:
        True or False for a process of this machine; None for another machine's, which cannot be asked.

    Example:
        >>> is_alive(str(this_run()))
        True
    """
    host, pid, started, _ = owner.split("|")
    if host != socket.gethostname():
        return None
    try:
        began = float(psutil.Process(int(pid)).create_time())
        return abs(began - float(started)) < START_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
