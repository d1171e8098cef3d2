"""The server that starts limited processes, when the worker that it serves is killed."""

import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is one on Linux only")

SCRIPT = "import sys\nfrom scanner.processes.fork_server import serve\nserve(int(sys.argv[1]), [])"


@pytest.mark.parametrize("is_answered", [False, True], ids=["before the answer", "with the answer unread"])
def test_it_ends_without_a_word(is_answered: bool) -> None:
    """What it says goes into the worker's log, where a traceback is taken for a fault."""
    own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with own, its:
        own.send(b"0")
        if not is_answered:
            own.close()
        command = [sys.executable, "-c", SCRIPT, str(its.fileno())]
        with subprocess.Popen(command, pass_fds=[its.fileno()], stderr=subprocess.PIPE) as server:
            its.close()
            if is_answered:
                own.recv(100, socket.MSG_PEEK)
                own.close()
            _, said = server.communicate()
    assert (server.returncode, said) == (0, b"")
