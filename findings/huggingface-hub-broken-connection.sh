#!/usr/bin/env bash
# huggingface_hub 2.4.0: hf_hub_download lets an error of its HTTP library through where the server closes the connection.
#
# Seen on Linux x86_64 with Python 3.11:
#   1. Where nobody listens, hf_hub_download raises LocalEntryNotFoundError, an OSError, as its documentation says for
#      a network that is unavailable.
#   2. Where the server takes the connection and closes it without an answer, hf_hub_download raises
#      httpx2.RemoteProtocolError, which is neither an OSError nor named in the documentation. Callers that catch the
#      documented errors end in a traceback.
# Expected: LocalEntryNotFoundError in both cases.
#
# The server is a socket of this script on 127.0.0.1. Nothing leaves the machine. Exit 1 where the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip --disable-pip-version-check --quiet install huggingface_hub==2.4.0 httpx2==2.16.2

cat >"$folder/ask.py" <<'PYTHON'
"""Prints which error a download ends in: ask.py closed|refused."""
import os, socket, sys, threading
server = socket.create_server(("127.0.0.1", 0))
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.getsockname()[1]}"
def close_each():
    while True:
        connection, _ = server.accept()
        connection.recv(65536)
        connection.close()
if sys.argv[1] == "closed":
    threading.Thread(target=close_each, daemon=True).start()
else:
    server.close()
import huggingface_hub
try:
    huggingface_hub.hf_hub_download("some/model", "model.safetensors")
except Exception as error:
    kind = type(error)
    print(f"{kind.__module__.split('.')[0]}.{kind.__name__}, OSError: {isinstance(error, OSError)}")
PYTHON

changed=0
expect() { # expect WHAT WANTED SEEN
  if [ "$2" = "$3" ]; then echo "as before: $1: $3"; else changed=1; echo "CHANGED: $1: expected $2, saw $3"; fi
}
ask() { # ask closed|refused: the error that the download ends in
  env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY \
    HF_HOME="$folder/hub" HF_HUB_DISABLE_TELEMETRY=1 "$python" "$folder/ask.py" "$1" 2>/dev/null
}
expect "nobody listens" "huggingface_hub.LocalEntryNotFoundError, OSError: True" "$(ask refused)"
expect "the server closes the connection" "httpx2.RemoteProtocolError, OSError: False" "$(ask closed)"
exit "$changed"
