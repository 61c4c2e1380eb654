"""A network in which every question is heard and none is answered: for look-ups and connections of native libraries.

It needs Linux, the rights of root, and the programs ``unshare`` and ``ip``. A process in a network namespace of its own
has one device, the loopback. All addresses of the world are routed to it, so each connection is refused at once and its
packet is seen. A name server on every address hears each name that is looked up and says that there is no such name.

    unshare --net python footprint_network.py REPORT SERVER PROGRAM ARGUMENT ...

runs the program in such a network and writes {"names": [...], "addresses": [...]} to REPORT. SERVER is the name of a
server of footprint_cases.SERVERS that runs beside it, or "-". "{server}" in an argument or in a variable becomes its
address.
Without ``unshare``, the variable FOOTPRINT_OPEN=1 runs the program in the network as it is, and REPORT stays empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

OPEN = "FOOTPRINT_OPEN"
_ALL_KINDS = 3
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP, _DNS = 6, 17, 53
_SYN, _ACK = 0x02, 0x10
_NO_SUCH_NAME = b"\x81\x83"


def missing() -> str | None:
    """What this machine lacks for such a network, in words; None where it lacks nothing."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    tried = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return "needs the rights of root to make a network namespace" if tried.returncode else None


class _Recorder:
    """The names and addresses that were asked for in this network, each once, in order."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.addresses: dict[str, None] = {}
        _route_everything_here()
        self._names = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._names.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._names.bind(("::", _DNS))
        self._packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_KINDS))
        self._packets.bind(("lo", 0))
        for hear in (self._hear_names, self._hear_packets):
            threading.Thread(target=hear, daemon=True).start()

    def _hear_names(self) -> None:
        while True:
            question, asker = self._names.recvfrom(4096)
            name, end = _name_in(question)
            self.names[name] = None
            counts = question[4:6] + bytes(6)
            self._names.sendto(question[:2] + _NO_SUCH_NAME + counts + question[12 : end + 4], asker)

    def _hear_packets(self) -> None:
        while True:
            packet, (_, kind, direction, *_) = self._packets.recvfrom(65535)
            if direction != socket.PACKET_OUTGOING and kind in (_IPV4, _IPV6):
                address = _address_in(packet, kind)
                if address is not None:
                    self.addresses[address] = None


def _route_everything_here() -> None:
    for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        subprocess.run(["ip", *words.split()], check="-6" not in words, capture_output=True)


def _name_in(question: bytes) -> tuple[str, int]:
    """The name that a question to a name server is about, and the place after it."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode("latin-1"))
        at += 1 + question[at]
    return ".".join(labels), at + 1


def _address_in(packet: bytes, kind: int) -> str | None:
    """Where a packet that begins something goes, as "host:port"; None for answers and for questions of names."""
    if kind == _IPV4:
        host, protocol = socket.inet_ntop(socket.AF_INET, packet[16:20]), packet[9]
        inner = packet[(packet[0] & 15) * 4 :]
    else:
        host, protocol, inner = socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[6], packet[40:]
    source, port = int.from_bytes(inner[:2], "big"), int.from_bytes(inner[2:4], "big")
    begins = protocol == _TCP and inner[13] & (_SYN | _ACK) == _SYN
    begins = begins or (protocol == _UDP and _DNS not in (source, port))
    return f"{host}:{port}" if begins else None


def run(report: Path, server: str, command: list[str]) -> int:
    """Run the command beside the server, write what was heard; returns the command's exit status."""
    heard = None if os.environ.get(OPEN) else _Recorder()
    with contextlib.ExitStack() as stack:
        if server != "-":
            from footprint_cases import SERVERS

            url = stack.enter_context(SERVERS[server]()).url
            command = [part.replace("{server}", url) for part in command]
            os.environ |= {name: value.replace("{server}", url) for name, value in os.environ.items()}
        status = subprocess.run(command, check=False).returncode
    if heard is not None:
        # a packet that was sent before the program ended is read before the marker, which is sent after it
        marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        marker.sendto(b"", ("127.0.0.9", 9))
        while "127.0.0.9:9" not in heard.addresses:
            threading.Event().wait(0.01)
        del heard.addresses["127.0.0.9:9"]
        report.write_text(json.dumps({"names": list(heard.names), "addresses": list(heard.addresses)}))
    return status


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
