"""Read the body of a request as it arrives: photos and option fields, in memory only.

The usual parsers of frameworks write parts above a megabyte to a temporary file. Here each part is a buffer in memory
that cannot grow beyond its limit. The first byte above the limit ends the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from whereshot.server.limits import FIELD_BYTES, FIELDS, Limits
from whereshot.server.problems import ProblemError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PHOTOS = "photos"


@dataclass
class Upload:
    """The bytes of a photo as they were sent, and its file name, if the sender gave one."""

    name: str | None
    content: bytearray = field(default_factory=bytearray)


@dataclass
class Form:
    """The photos and the option fields of one request."""

    photos: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


class Held:
    """The number of bytes of uploads in memory, of all clients together, and its limit ``most``."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0

    def take(self, count: int) -> None:
        """Add a number of bytes. Raises ProblemError (429) where the limit would be exceeded."""
        if self.bytes + count > self.most:
            detail = f"the server holds {self.most / 1e6:.0f} MB of uploads already; try again in a few seconds"
            raise ProblemError(429, detail, {"Retry-After": "5"})
        self.bytes += count

    def give_back(self, count: int) -> None:
        """Subtract the bytes of an upload that is no longer in memory."""
        self.bytes -= count


class FormReader:
    """Reads the body of one request in chunks. ``form`` is complete after ``finish``. Raises ProblemError."""

    def __init__(self, content_type: str | None, limits: Limits, held: Held) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            detail = f"send the photos as multipart/form-data with a part named {PHOTOS!r} for each"
            raise ProblemError(415, detail, {"Accept": "multipart/form-data"})
        if not options.get(b"boundary"):
            raise ProblemError(400, "the Content-Type multipart/form-data names no boundary")
        self.form = Form()
        self.taken = 0
        self._limits, self._held = limits, held
        self._ended = False
        self._name, self._value = "", bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_part,
            "on_part_data": self._take_data,
            "on_part_end": self._end_part,
            "on_header_begin": self._begin_header,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open_part,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], callbacks)
        except FormParserError as error:
            raise ProblemError(400, f"the form cannot be read ({error})") from error

    def write(self, chunk: bytes) -> None:
        """Read the next bytes of the body."""
        self._held.take(len(chunk))
        self.taken += len(chunk)
        if self.taken > self._limits.request_bytes:
            raise too_large(self._limits)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise ProblemError(400, f"the form cannot be read ({error})") from error

    def finish(self) -> Form:
        """Return the complete form. Raises ProblemError (400) where its end or its photos are missing."""
        if not self._ended:
            raise ProblemError(400, "the form ends before its last boundary")
        if not self.form.photos:
            raise ProblemError(400, f"there is no photo in the form; send each photo as a part named {PHOTOS!r}")
        return self.form

    def close(self) -> None:
        """Release all buffers. The traceback of an error may still refer to the form, and would keep them in memory."""
        for photo in self.form.photos:
            photo.content = bytearray()
        self._value = bytearray()
        self._parser.callbacks = {}
        self._held.give_back(self.taken)

    def _begin_part(self) -> None:
        if len(self.form.photos) >= self._limits.photos and len(self.form.fields) >= FIELDS:
            raise ProblemError(413, "the form has too many parts")
        self._headers.clear()

    def _begin_header(self) -> None:
        self._header = bytearray(), bytearray()

    def _end_header(self) -> None:
        self._headers[bytes(self._header[0]).lower()] = bytes(self._header[1])

    def _open_part(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise ProblemError(400, "a part of the form has no name (Content-Disposition: form-data; name=...)")
        self._name, self._value = name, bytearray()
        if name == PHOTOS:
            if len(self.form.photos) >= self._limits.photos:
                raise ProblemError(
                    413, f"one request may have at most {self._limits.photos} photos; send the others separately"
                )
            file_name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.form.photos.append(Upload(file_name or None, self._value))
        elif len(self.form.fields) >= FIELDS:
            raise ProblemError(413, f"the form has more than {FIELDS} option fields")
        elif name in self.form.fields:
            raise ProblemError(400, f"the option {name!r} is given twice")
        else:
            self.form.fields[name] = ""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        most = self._limits.photo_bytes if self._name == PHOTOS else FIELD_BYTES
        if len(self._value) + end - start > most:
            if self._name == PHOTOS:
                raise ProblemError(413, f"a photo has more than {most / 1e6:g} MB, the limit; make a smaller copy")
            raise ProblemError(413, f"the option {self._name!r} is longer than {most} bytes")
        self._value += data[start:end]

    def _end_part(self) -> None:
        if self._name != PHOTOS:
            self.form.fields[self._name] = self._value.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True


def too_large(limits: Limits) -> ProblemError:
    """Return the error for a body above the limit."""
    return ProblemError(
        413, f"the request has more than {limits.request_bytes / 1e6:g} MB, the limit; send fewer photos"
    )


async def read_form(chunks: AsyncIterator[bytes], reader: FormReader, limits: Limits) -> Form:
    """Read the whole form within the time limits of an upload. Raises ProblemError."""
    try:
        async with asyncio.timeout(limits.upload_s):
            while True:
                async with asyncio.timeout(limits.idle_s):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return reader.finish()
                reader.write(chunk)
    except TimeoutError:
        detail = (
            f"the upload was too slow: {limits.idle_s:g} s without a byte, or more than {limits.upload_s:g} s in all"
        )
        raise ProblemError(408, detail, {"Connection": "close"}) from None
