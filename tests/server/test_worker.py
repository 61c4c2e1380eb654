"""The process that holds the model: what it reads and writes on its pipes."""

from __future__ import annotations

import io
import json
from typing import Any

from http_client import JPEG
from whereshot.locate.options import LocateOptions
from whereshot.server import worker
from whereshot.server.answer_jobs import LocateJob, Reply
from whereshot.server.options import Options


class EchoAnswerer:
    """Answers with the sizes of the photos; writes a line for each photo of a job of lines."""

    def answer(self, jobs: list[LocateJob], options: Options, tell: Any) -> list[Reply]:
        if options.locate.top == 50:
            raise RuntimeError("a bug")
        for number, job in enumerate(jobs):
            for photo, content in enumerate(job.photos):
                if job.form == "lines":
                    tell(number, photo, b"%d" % len(content))
        return [Reply(200, job.form, repr([len(content) for content in job.photos]).encode()) for job in jobs]


def exchanged(options: Options, forms: list[str]) -> io.BytesIO:
    """What the process writes for two jobs of three photos."""
    header = worker.batch_header([["a", None], ["b"]], [[3, 2], [len(JPEG)]], forms, options)
    sent, answered = io.BytesIO(header + b"xxxyy" + JPEG), io.BytesIO()
    worker._answer(EchoAnswerer(), json.loads(sent.readline()), sent, answered)
    assert sent.read() == b"", "it reads exactly the bytes of the photos"
    answered.seek(0)
    return answered


def test_a_batch_goes_there_and_back() -> None:
    answered = exchanged(Options(LocateOptions(top=3)), ["json", "geojson"])
    heads = json.loads(answered.readline())["replies"]
    bodies = [answered.read(head["length"]) for head in heads]
    assert [head["form"] for head in heads] == ["json", "geojson"]
    assert bodies == [b"[3, 2]", repr([len(JPEG)]).encode()] and answered.read() == b""


def test_lines_come_before_the_replies() -> None:
    answered = exchanged(Options(), ["lines", "json"])
    lines = []
    while "photo" in (head := json.loads(answered.readline())):
        lines.append((head["photo"], answered.read(head["length"])))
    assert lines == [([0, 0], b"3"), ([0, 1], b"2")]
    assert len(head["replies"]) == 2


def test_a_bug_costs_the_batch_and_not_the_process() -> None:
    answered = exchanged(Options(LocateOptions(top=50)), ["json", "json"])
    assert json.loads(answered.readline()) == {"broken": True}
