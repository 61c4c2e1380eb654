"""A server on a free port of this machine, in a process of its own, with limits as a test wants them.

with served(limits={"queue": 4}) as server: httpx.get(server.url + "/healthz")
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from waiting import PATIENCE_S


@dataclass
class Server:
    """A running server: its address, its process, what it said."""

    url: str
    process: subprocess.Popen[str]
    port: int = 0
    said: list[str] = field(default_factory=list)

    def workers(self) -> list[int]:
        """The ids of the processes that hold the model."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in found]

    @contextlib.contextmanager
    def workers_stopped(self) -> Iterator[None]:
        """Stop the processes that hold the model, and let those that still live go on at the end."""
        stopped = self.workers()
        for worker in stopped:
            os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGCONT)


@contextlib.contextmanager
def served(
    model: str = "compact",
    *,
    limits: dict[str, Any] | None = None,
    workers: int = 1,
    environment: dict[str, str] | None = None,
    **service: Any,
) -> Iterator[Server]:
    """Starts the server, waits until it can answer, ends it."""
    wanted = json.dumps({"model": model, "limits": limits or {}, "workers": workers, "service": service})
    process = subprocess.Popen(
        [sys.executable, __file__, wanted],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if line.startswith("ready "):
                break
        else:
            raise RuntimeError(f"the server did not start: {said}")
        url = said[-1].split()[1]
        yield Server(url, process, int(url.rpartition(":")[2]), said)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def main() -> None:
    """Serve as the first argument says."""
    from whereshot.locate.geolocator import Geolocator
    from whereshot.server import models, running
    from whereshot.server.app import Service
    from whereshot.server.gallery import ServedGallery
    from whereshot.server.limits import Limits

    wanted = json.loads(sys.argv[1])
    own = wanted["service"]
    service = Service(
        model=models.describe(Geolocator.load(wanted["model"])),
        limits=Limits(**wanted["limits"]),
        coarse_km=own.get("coarse_km"),
        gallery=ServedGallery(Path(own["gallery"])) if "gallery" in own else None,
        hosts=running.LOCAL_NAMES,
        site=Path(own.get("site", "nowhere")),
    )
    settings = {"model": wanted["model"], "device": None, "pixels": service.limits.pixels, "options": {"text": False}}
    listener = running.bind("127.0.0.1", 0)
    running.run(
        service, listener, settings, wanted["workers"], lambda url: print(f"ready {url}", file=sys.stderr, flush=True)
    )


if __name__ == "__main__":
    main()
