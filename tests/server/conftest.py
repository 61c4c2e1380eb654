"""One server for all tests of the server, with small limits so that each of them can be exceeded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from http_client import SMALL
from serving_process import Server, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    temporary = tmp_path_factory.mktemp("spool")
    with served(limits=SMALL, environment={"TMPDIR": str(temporary)}) as running:
        running.temporary = temporary
        yield running
