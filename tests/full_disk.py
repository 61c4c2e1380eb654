"""A disk that really is full: a small file system in memory, or a limit of file sizes where none can be mounted."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = "24m"
FULL = r": cannot be written \((No space left on device|File too large)\); "
"""What an error says, as a regular expression, where a disk is full or a file may not grow."""


class Disk:
    """A folder on a disk that can be filled up and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "whereshot-test", str(folder)]
        try:
            self.is_mounted = subprocess.run(command, capture_output=True).returncode == 0
        except FileNotFoundError:
            self.is_mounted = False

    @contextmanager
    def full(self) -> Iterator[None]:
        """While in it, no file on the disk can grow."""
        if not self.is_mounted:
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            return
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file:
            block = bytes(1 << 20)
            while block:
                try:
                    file.write(block)
                except OSError:
                    block = block[: len(block) // 2]
        try:
            yield
        finally:
            filler.unlink()

    def remove(self) -> None:
        """Unmount it."""
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
        os.rmdir(self.folder) if self.is_mounted else None


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, at any depth, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
