"""What a confined process may ask of the kernel (seccomp): enough to read, compute and answer, no more.

Names are those of the Linux manual (syscalls(2)), numbers those of seccompy's tables. What is not listed fails with EPERM.
"""

import errno
import os

from seccompy import ArgCmp, CmpOp, Filter
from seccompy.filter import Action

_MEMORY = "brk madvise mincore mmap mprotect mremap munmap membarrier"
_THREADS = """arch_prctl exit exit_group futex get_robust_list gettid rseq sched_getaffinity sched_getparam sched_getscheduler
    sched_yield set_robust_list set_tid_address"""
_SIGNALS = "restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack"
_TIME = "clock_getres clock_gettime clock_nanosleep gettimeofday nanosleep time times"
# Of descriptors that are there. recvmsg brings the descriptor of a video from the pool.
_DESCRIPTORS = """close close_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 fadvise64
    fcntl fstat fstatfs getdents64 lseek pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6 read readv recvfrom recvmsg select
    sendto write writev"""
# What is looked up by a name; Landlock says what may be opened.
_NAMES = "access faccessat faccessat2 getcwd lstat newfstatat readlink readlinkat stat statfs statx"
_SELF = "getegid geteuid getgid getpid getppid getrandom getresgid getresuid getrlimit getrusage getuid sysinfo uname"
# linux/sched.h, linux/prctl.h, asm-generic/ioctls.h.
_CLONE_THREAD, _PR_SET_NAME, _PR_SET_VMA, _TCGETS, _FIOCLEX = 0x00010000, 15, 0x53564D41, 0x5401, 0x5451
# Whatever may change a file or make one (O_TMPFILE has to be asked for with one of these).
_WRITES = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def allowed_calls(pid: int) -> Filter:
    """The filter for the process `pid`, not loaded yet. Raises UnsupportedError where the machine is not known."""
    calls = Filter(default=Action.ERRNO | errno.EPERM)
    for names in (_MEMORY, _THREADS, _SIGNALS, _TIME, _DESCRIPTORS, _NAMES, _SELF):
        for name in names.split():
            _allow(calls, name)
    for name, flags in (("open", 1), ("openat", 2)):
        _allow(calls, name, ArgCmp(flags, CmpOp.MASKED_EQ, 0, _WRITES))
    # A thread, but no process. clone3 has its flags where no filter sees them: the C library goes back to clone.
    _allow(calls, "clone", ArgCmp(0, CmpOp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    calls.errno("clone3", errno.ENOSYS)
    for name in ("kill", "tgkill"):
        _allow(calls, name, ArgCmp(0, CmpOp.EQ, pid))
    for number in (_PR_SET_NAME, _PR_SET_VMA):
        _allow(calls, "prctl", ArgCmp(0, CmpOp.EQ, number))
    for number in (_TCGETS, _FIOCLEX):
        _allow(calls, "ioctl", ArgCmp(1, CmpOp.EQ, number))
    for process in (0, pid):  # its own limits may be read, and no other's, nor changed
        _allow(calls, "prlimit64", ArgCmp(0, CmpOp.EQ, process), ArgCmp(2, CmpOp.EQ, 0))
    return calls


def _allow(calls: Filter, name: str, *conditions: ArgCmp) -> None:
    try:
        calls.allow(name, args=conditions)
    except ValueError:  # a name that this architecture does not have
        return
