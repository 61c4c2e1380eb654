"""The process that holds the model: it reads batches of photos on stdin and writes answers on stdout.

It is a separate process, so that a picture that crashes or stalls a decoder ends this process and not the server. Each
message is a line of JSON followed by plain bytes; the server executes none of it. It ends when the server ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, BinaryIO

from whereshot.foundation import library_remarks
from whereshot.foundation.errors import WhereshotError
from whereshot.server.allocation import return_large_buffers

if TYPE_CHECKING:
    from whereshot.locate.options import LocateOptions


def main() -> None:
    """Load the model that the first line of stdin names, then answer batch by batch until stdin ends."""
    with library_remarks.hidden():  # decoders print remarks about uploaded pictures
        _serve()


def _serve() -> None:
    return_large_buffers()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and decides when to end
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints on stdout goes to stderr, so that it does not mix with the answers
    settings = json.loads(requests.readline())
    try:
        from whereshot.locate.options import LocateOptions
        from whereshot.server.answer_jobs import Answerer

        answerer = Answerer(settings["model"], settings["device"], settings["pixels"])
        _warm(answerer, LocateOptions(**settings["options"]))
    except WhereshotError as error:
        _send(replies, {"error": str(error)})
        return
    _send(replies, {"ready": True})
    while line := requests.readline():
        _answer(answerer, json.loads(line), requests, replies)


def _warm(answerer: Any, options: LocateOptions) -> None:
    """Answer for one picture made of noise, so that everything is loaded before the first client waits."""
    import io

    import numpy as np
    from PIL import Image

    from whereshot.server.answer_jobs import LocateJob
    from whereshot.server.options import Options

    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)).save(buffer, "JPEG")
    answerer.answer([LocateJob([None], [buffer.getvalue()])], Options(options), lambda *_: None)


def _answer(answerer: Any, batch: dict[str, Any], requests: BinaryIO, replies: BinaryIO) -> None:
    from whereshot.server.answer_jobs import LocateJob
    from whereshot.server.options import Options

    jobs = [
        LocateJob(job["names"], [requests.read(length) for length in job["lengths"]], job["form"])
        for job in batch["jobs"]
    ]

    def send_line(job: int, photo: int, line: bytes) -> None:
        _send(replies, {"photo": [job, photo], "length": len(line)}, line)

    try:
        answers = answerer.answer(jobs, Options.of_document(batch["options"]), send_line)
    except Exception:  # a bug must not end the process; a traceback contains nothing of a picture
        traceback.print_exc()
        _send(replies, {"broken": True})
        return
    heads = [{"status": answer.status, "form": answer.form, "length": len(answer.body)} for answer in answers]
    _send(replies, {"replies": heads}, *(answer.body for answer in answers))


def _send(replies: BinaryIO, head: dict[str, Any], *bodies: bytes) -> None:
    replies.write(json.dumps(head).encode() + b"\n")
    for body in bodies:
        replies.write(body)
    replies.flush()


def batch_header(names: list[list[str | None]], lengths: list[list[int]], forms: list[str], options: Any) -> bytes:
    """Return the line of JSON that starts a batch: names and sizes of the photos of each job, and the options."""
    jobs = [
        {"names": some, "lengths": long, "form": form} for some, long, form in zip(names, lengths, forms, strict=True)
    ]
    return json.dumps({"jobs": jobs, "options": options.to_document()}).encode() + b"\n"


if __name__ == "__main__":
    main()
