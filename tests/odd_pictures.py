"""Pictures that a command may meet in a folder: of rare formats, huge, cut off, and files that are none."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def huge_png(path: Path) -> None:
    """A valid header of 60,000 x 60,000 pixels over next to no data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def write_odd_photos(folder: Path) -> None:
    """Write nine files to a folder, of which three cannot be read."""
    pixels = np.random.default_rng(2).integers(0, 255, (90, 120, 3), np.uint8)
    rgb = Image.fromarray(pixels)
    rgb.save(folder / "plain.jpg")
    (folder / "text.jpg").write_text("no picture")
    (folder / "truncated.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:2500])
    huge_png(folder / "huge.png")
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 256).save(folder / "sixteen.png")
    rgb.convert("P").save(folder / "palette.png", transparency=3)
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    for name in ("animated.gif", "animated.webp"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], duration=100)
