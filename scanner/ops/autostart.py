"""`dfscan watch` as a service of the user's own session: what systemd, launchd and the Task Scheduler want to read."""

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

NAME = "dfscan"
LABEL = "dfscan.watch"


@dataclass(frozen=True)
class Job:
    """What is to run: `command` and its `environment`, which may hold passwords.

    All that it writes goes below `data_dir`, and below `writes_also` (where a database of its own place lies).
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    data_dir: Path
    writes_also: Sequence[Path] = ()

    @property
    def environment_file(self) -> Path:
        """Where systemd reads the environment from, instead of its world-readable unit."""
        return self.data_dir / "service.env"


def systemd_unit(job: Job) -> str:
    """A hardened user unit (systemd.exec(5)): everything is read-only to it but the data folder."""
    command = " ".join(_quoted(word) for word in job.command)
    writable = " ".join(_quoted(str(folder)) for folder in (job.data_dir, *job.writes_also))
    return f"""\
[Unit]
Description=dfscan: scores new images for being deepfakes
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command}
EnvironmentFile=-{_escaped(str(job.environment_file))}
Restart=on-failure
RestartSec=30
# First the service, which stops its worker cleanly; what is left after that, by force.
KillMode=mixed
TimeoutStopSec=30
# A decoder that is killed for its memory is one file's failure, not the service's.
OOMPolicy=continue
Nice=10
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
PrivateTmp=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
# No device but graphics cards, which score.
DevicePolicy=closed
DeviceAllow=char-nvidia* rw
DeviceAllow=char-drm rw
CapabilityBoundingSet=
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
KeyringMode=private
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
# Of the kernel what services use, and what its decoders confine themselves with.
SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
"""


def environment_text(job: Job) -> str:
    """The environment file (systemd.exec(5), EnvironmentFile=)."""
    return "".join(f'{name}="{_in_quotes(value)}"\n' for name, value in sorted(job.environment.items()))


def launchd_agent(job: Job) -> bytes:
    """A launch agent (launchd.plist(5)); it is to be kept private, as the environment is in it."""
    log = str(job.data_dir / "logs" / "service.log")
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(job.command),
            "EnvironmentVariables": dict(job.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,
            "ProcessType": "Background",
            "LowPriorityIO": True,
            "Umask": 0o077,
            "ExitTimeOut": 30,
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    )


def scheduled_task(job: Job) -> str:
    """A task that starts when the user logs on (Task Scheduler schema 1.2). Its settings are those of config.toml."""
    program, *arguments = job.command
    words = escape(" ".join(f'"{word}"' if " " in word else word for word in arguments))
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>dfscan: scores new images for being deepfakes</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals>
    <Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec><Command>{escape(program)}</Command><Arguments>{words}</Arguments></Exec>
  </Actions>
</Task>
"""


def _escaped(word: str) -> str:
    return word.replace("%", "%%")


def _quoted(word: str) -> str:
    return f'"{_in_quotes(_escaped(word)).replace("$", "$$")}"'


def _in_quotes(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
