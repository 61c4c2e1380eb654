"""Runs ``whereshot serve``, asks it about one photo, waits, and ends it as Ctrl-C does.

python -E footprint_visit.py SECONDS PHOTO PROGRAM ARGUMENT ... where SECONDS is how long the server stays afterwards.
Returns 0 where the server answered the photo and ended by itself.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

_PATIENCE_S = 150.0


def visit(stay_s: float, photo: Path, command: list[str]) -> int:
    """Start the server, ask, end it; the server's lines go on to stderr."""
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            print(line, end="", file=sys.stderr)
            found = re.search(r"answers on (http://\S+)", line)
            if found:
                break
        else:
            return 1
        status = _ask(found[1].rstrip("/") + "/v1/locate", photo.read_bytes())
        threading.Event().wait(stay_s)
        server.send_signal(signal.SIGINT)
        _, left = server.communicate(timeout=_PATIENCE_S)
        print(left, end="", file=sys.stderr)
        return 0 if status == 200 else 1
    finally:
        server.kill()
        server.wait()


def _ask(url: str, picture: bytes) -> int:
    edge = b"footprint"
    head = b'Content-Disposition: form-data; name="photos"; filename="photo.jpg"\r\nContent-Type: image/jpeg'
    body = b"--" + edge + b"\r\n" + head + b"\r\n\r\n" + picture + b"\r\n--" + edge + b"--\r\n"
    request = urllib.request.Request(url, body, {"Content-Type": f"multipart/form-data; boundary={edge.decode()}"})
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
        return response.status


if __name__ == "__main__":
    sys.exit(visit(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
