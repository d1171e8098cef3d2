"""What takes over a decoder process can do no more than decode: real processes, asked to do what they may not."""

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from worker.decoding.decoder_pool import DecoderPool
from worker.decoding.limits import Limits

LIMITS = Limits(pixels=10**6, seconds=60, megabytes=2048)
SECRET = "DFSCAN_TEST_SECRET"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux confines")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """One process, started where the environment holds a password."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(SECRET, "hunter2")
        with DecoderPool(1, LIMITS) as decoders:
            missing = [what for what in decoders.warm_up().missing if "not installed" not in what]
            if missing:
                pytest.skip(f"this kernel does not confine: {'; '.join(missing)}")
            yield decoders


def _said(work: Callable[[], object]) -> str:
    try:
        return f"did it: {work()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def write(path: str) -> object:
    return Path(path).write_text("mine")


def append(path: str) -> object:
    return os.open(path, os.O_RDWR)


def cut(path: str) -> object:
    return os.truncate(path, 0)


def unlink(path: str) -> object:
    return os.unlink(path)


def rename(path: str) -> object:
    return os.rename(path, path + "2")


def chmod(path: str) -> object:
    return os.chmod(path, 0o777)


def touch(path: str) -> object:
    return os.utime(path)


def link(path: str) -> object:
    return os.link(path, path + "2")


def symlink(path: str) -> object:
    return os.symlink(path, path + "2")


def make_folder(path: str) -> object:
    return os.mkdir(path + "2")


def make_fifo(path: str) -> object:
    return os.mkfifo(path + "2")


def memory_file(_: str) -> object:
    return os.memfd_create("x")


def read(path: str) -> object:
    return Path(path).read_text()


def list_folder(path: str) -> object:
    return os.listdir(os.path.dirname(path))


def read_passwords(_: str) -> object:
    return Path("/etc/passwd").read_text()


def environment_of_parent(_: str) -> object:
    return Path(f"/proc/{os.getppid()}/environ").read_text()


def own_environment(_: str) -> object:
    return Path("/proc/self/environ").read_text()


def connect(_: str) -> object:
    return socket.create_connection(("127.0.0.1", 9))


def connect_locally(path: str) -> object:
    return socket.socket(socket.AF_UNIX).connect(path)


def pair(_: str) -> object:
    return socket.socketpair()


def run(_: str) -> object:
    return subprocess.run(["/bin/true"], check=True)


def replace_itself(_: str) -> object:
    return os.execv("/bin/true", ["true"])


def fork(_: str) -> object:
    pid = os.fork()
    if not pid:
        os._exit(0)
    return pid


def spawn(_: str) -> object:
    return os.posix_spawn("/bin/true", ["true"], {})


def kill_parent(_: str) -> object:
    return os.kill(os.getppid(), signal.SIGTERM)


def kill_group(_: str) -> object:
    return os.kill(0, signal.SIGTERM)


def look_into_parent(_: str) -> object:
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(16, os.getppid(), 0, 0):  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


def raise_limit(_: str) -> object:
    import resource

    return resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def slow_down_parent(_: str) -> object:
    return os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)


def io_uring(_: str) -> object:
    if ctypes.CDLL(None, use_errno=True).syscall(425, 8, ctypes.create_string_buffer(120)) < 0:
        raise OSError(ctypes.get_errno(), "io_uring")
    return "a ring"


def shared_memory(_: str) -> object:
    if ctypes.CDLL(None, use_errno=True).shmget(1234, 4096, 0o1666) < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    return "shared"


FORBIDDEN = [
    *(write, append, cut, unlink, rename, chmod, touch, link, symlink, make_folder, make_fifo, memory_file),
    *(read, list_folder, read_passwords, environment_of_parent, own_environment),
    *(connect, connect_locally, pair),
    *(run, replace_itself, fork, spawn, kill_parent, kill_group, look_into_parent, raise_limit, slow_down_parent),
    *(io_uring, shared_memory),
]


def attempt(_content: bytes, asked: list[str], _pixels: int) -> str:
    """In the decoder: do what is forbidden, by its name, with a path."""
    name, path = asked
    return _said(lambda: globals()[name](path))


@pytest.mark.parametrize("name", [work.__name__ for work in FORBIDDEN])
def test_a_decoder_can_do_nothing_but_decode(pool: DecoderPool, tmp_path: Path, name: str) -> None:
    path = tmp_path / "somebody's"
    path.write_text("secret")
    before = path.stat()
    said = pool.submit(attempt, b"", [name, str(path)]).result()
    assert isinstance(said, str)
    assert said.startswith(("PermissionError", "OSError", "ValueError: not allowed")), said
    assert (os.listdir(tmp_path), path.read_text()) == ([path.name], "secret")
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_nlink) == (before.st_mode, before.st_mtime_ns, before.st_nlink)


def environment(_content: bytes, _argument: object, _pixels: int) -> dict[str, str]:
    return dict(os.environ)


def test_a_decoder_has_no_environment(pool: DecoderPool) -> None:
    assert pool.submit(environment, b"", None).result() == {}
    # What they were started with lies in their memory, where no file needs to be opened.
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # as one of an earlier test that is just ending
            assert SECRET not in process.environ()


def open_files(_content: bytes, _argument: object, _pixels: int) -> list[int]:
    return [number for number in range(200) if _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_a_decoder_inherits_nothing_that_is_open(pool: DecoderPool, tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as opened:
        os.set_inheritable(opened.fileno(), True)
        assert pool.submit(open_files, b"", None).result() == [0, 1, 2, 3]


def threads_and_memory(_content: bytes, _argument: object, _pixels: int) -> int:
    import threading

    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    with mmap.mmap(-1, 1 << 20) as block:
        block[:4] = b"used"
    return len(done)


def own_number(_content: bytes, _argument: None, _max_pixels: int) -> int:
    return os.getpid()


def test_what_decoding_needs_is_there(pool: DecoderPool) -> None:
    assert pool.submit(threads_and_memory, b"", None).result() == 1


def test_the_pool_says_what_confines(pool: DecoderPool) -> None:
    confined = pool.warm_up()
    assert confined.no_new_privileges
    assert confined.seccomp
    assert confined.environment
    # The kernel's own word for it.
    decoder = pool.submit(own_number, b"", None).result()
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{decoder}/status").read_text().splitlines() if ":\t" in line)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_what_cannot_confine_is_said_and_work_goes_on() -> None:
    """As on a machine without the packages, or with a kernel that has neither."""
    program = (
        "import sys; sys.modules['landlockpy'] = sys.modules['seccompy'] = None\n"
        "from scanner.processes.confinement import confine\n"
        "confined = confine(); print(confined, confined.missing, open('/etc/hostname').readable())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "no new privileges, an empty environment ('landlockpy: not installed', 'seccompy: not installed') True\n"
    )
