"""How a process that a test starts is made to listen to Ctrl-C."""

from __future__ import annotations

import signal


def listen_to_control_c() -> None:
    """Let SIGINT interrupt the process again, for ``subprocess.Popen(preexec_fn=...)``.

    A shell starts a command in the background with SIGINT ignored, and what the command starts inherits that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
