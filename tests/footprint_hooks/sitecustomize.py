"""Written to a log: what a Python process looks up, connects to, writes and starts. footprint_watch.py reads the log.

Python imports this file by itself in every process that has the folder on PYTHONPATH, so worker processes are seen too.
The log is the file that the variable FOOTPRINT_LOG names: one JSON list [event, argument, ...] a line.
"""

import json
import os
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_MADE = {"os.mkdir": 0, "os.rename": 1, "os.symlink": 1, "os.link": 1, "sqlite3.connect": 0}
"""Events that make a file or a folder, and which of their arguments is its path."""
_STARTED = {"subprocess.Popen", "os.posix_spawn", "os.exec"}


def _entry(event, arguments):
    """What the log holds of an event; None where it is of no interest."""
    if event == "open":
        path, _, flags = arguments
        return ["write", _absolute(path)] if flags & _WRITING and not isinstance(path, int) else None
    if event in _MADE:
        path = _absolute(arguments[_MADE[event]])
        return None if event == "os.mkdir" and os.path.isdir(path) else ["write", path]
    if event in _NAMES:
        return ["name", _text(arguments[0])] if arguments[0] else None
    if event in _ADDRESSES:
        address = arguments[1]
        return ["address", _text(address[0]), address[1]] if isinstance(address, tuple) else None
    return ["program", _text(arguments[0])] if event in _STARTED else None


def _text(value):
    return os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)


def _absolute(path):
    return os.path.abspath(_text(path))


def _listen(log):
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def hear(event, arguments):
        entry = _entry(event, arguments)
        if entry is not None:
            os.write(file, (json.dumps(entry) + "\n").encode())

    sys.addaudithook(hear)
    os.write(file, (json.dumps(["process", os.getpid()]) + "\n").encode())


if "FOOTPRINT_LOG" in os.environ:
    _listen(os.environ["FOOTPRINT_LOG"])
