#!/usr/bin/env bash
# ONNX Runtime 1.31.1 for Linux (the wheel of PyPI) begins to record events as soon as it is imported.
#
# Seen on Linux x86_64 with Python 3.11:
#   1. "import onnxruntime" writes ~/.cache/Microsoft/DeveloperTools/.onnxruntime/deviceid and onnxruntime.db, and .ses
#      in the folder for temporary files. No session is made.
#   2. onnxruntime.disable_telemetry_events() right after the import does not prevent it.
#   3. About ten seconds later the process looks up mobile.events.data.microsoft.com, and again every few seconds.
#   4. With ORT_DISABLE_TELEMETRY=1 in the environment before the import, nothing is written and nothing is looked up.
# Expected: nothing is written or sent by an import, or disable_telemetry_events() undoes it.
#
# Points 1, 2 and 4 need no rights. Point 3 is shown where a network namespace can be made (root, unshare, ip): there a
# name server of our own writes down each question. Nothing leaves the machine. Exit 1 where the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip --disable-pip-version-check --quiet install onnxruntime==1.31.1 numpy==2.4.6
changed=0

expect() { # expect WHAT WANTED SEEN
  if [ "$2" = "$3" ]; then echo "as before: $1: ${3:-nothing}"; else changed=1; echo "CHANGED: $1: expected ${2:-nothing}, saw ${3:-nothing}"; fi
}

files_after() { # files_after CODE [VARIABLE=VALUE ...]: the files that the code leaves in an empty home
  local home="$folder/home"
  rm -rf "$home"; mkdir -p "$home/temporary"
  (cd "$home" && env -i PATH="$PATH" HOME="$home" TMPDIR="$home/temporary" "${@:2}" "$python" -c "$1")
  (cd "$home" && find . -type f | LC_ALL=C sort | tr '\n' ' ')
}

store=.cache/Microsoft/DeveloperTools/.onnxruntime
written="./$store/deviceid ./$store/onnxruntime.db ./temporary/.ses "
imported='import onnxruntime'
expect "import" "$written" "$(files_after "$imported")"
expect "import, then disable_telemetry_events()" "$written" \
  "$(files_after "$imported; onnxruntime.disable_telemetry_events()")"
expect "import with ORT_DISABLE_TELEMETRY=1" "" "$(files_after "$imported" ORT_DISABLE_TELEMETRY=1)"

cat >"$folder/listen.py" <<'PYTHON'
"""Runs a program in a network without a way out and prints the names that it looks up."""
import socket, subprocess, sys, threading
for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
    subprocess.run(["ip", *words.split()], capture_output=True)
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind(("::", 53))
names = set()
def answer():
    while True:
        question, asker = server.recvfrom(4096)
        at, labels = 12, []
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        names.add(".".join(labels))
        server.sendto(question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12 : at + 5], asker)
threading.Thread(target=answer, daemon=True).start()
subprocess.run(sys.argv[1:])
print(*sorted(names))
PYTHON

names_after() { # names_after [VARIABLE=VALUE ...]: the names that are looked up within 25 seconds of the import
  env HOME="$folder/home" TMPDIR="$folder/home/temporary" "$@" unshare --net "$python" "$folder/listen.py" \
    "$python" -c 'import onnxruntime, time; time.sleep(25)'
}

if unshare --net ip link set lo up 2>/dev/null; then
  expect "look-ups" "mobile.events.data.microsoft.com" "$(names_after)"
  expect "look-ups with ORT_DISABLE_TELEMETRY=1" "" "$(names_after ORT_DISABLE_TELEMETRY=1)"
else
  echo "not tried: look-ups (needs root, unshare and ip)"
fi
exit "$changed"
