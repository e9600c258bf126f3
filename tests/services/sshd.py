"""A real OpenSSH server on loopback, with host keys, a user's key and a configuration of its own."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from services.packages import program
from services.processes import MARK, Daemon, Process, ServiceError, children, end, free_ports, marked

PROGRAMS = {"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}

SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM {pam}
# the folder may lie where others can write
StrictModes no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 1000
# as everywhere by default; clients must get along with it
MaxSessions 10
# bash reads ~/.bashrc for every command unless it believes that it is not the first shell
SetEnv {mark}={folder} SHLVL=1 "PATH={path}"{setenv}
AcceptEnv *
Subsystem sftp internal-sftp
{more}
"""
CLIENT = """\
Host {name} {name}-*
  HostName 127.0.0.1
  Port {port}
  User {user}
  HostKeyAlias {name}
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 10

Host {name}-jumped
  ProxyJump {name}
"""


class Sshd:
    """An SSH server for whoever runs the tests. `host` is its name in the file `config`; any `<host>-…` is the same.

    Every command of a session has `env` in its environment.
    """

    host = "nrun-test"

    def __init__(self, folder: Path, *, env: dict[str, str] | None = None, more: str = "") -> None:
        self.folder = folder
        self.config = folder / "config"
        self.known_hosts = folder / "known_hosts"
        self.identity = folder / "user_key"
        self.user = getpass.getuser()
        (self.port,) = free_ports(1)
        self._daemon: Daemon | None = None
        folder.mkdir(parents=True, exist_ok=True)
        keygen(self.identity)
        keygen(folder / "host_key")
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        setenv = "".join(f' "{name}={value}"' for name, value in (env or {}).items())
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        (folder / "sshd_config").write_text(
            SERVER.format(
                folder=folder, port=self.port, pam=_pam(self.user), mark=MARK, path=path, setenv=setenv, more=more
            )
        )
        self.config.write_text(CLIENT.format(folder=folder, port=self.port, name=self.host, user=self.user))
        self.trust()

    def trust(self) -> None:
        """Write the server's key into `known_hosts`."""
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"{self.host},[127.0.0.1]:{self.port} {key}\n")

    def start(self) -> Sshd:
        """Start it, or start it again, on its port."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself up before a login
        argv = [program("sshd") or "", "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._daemon = Daemon(self.folder, "sshd", argv)
        self._daemon.wait_until(self.answers, "the SSH server answers")
        return self

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                return connection.recv(8) == b"SSH-2.0-"
        except OSError:
            return False

    def sessions(self) -> set[Process]:
        """The processes that serve connections, and what runs in them."""
        return children(self._daemon.pid) if self._daemon and self._daemon.running() else set()

    def cut(self) -> None:
        """Kill whatever serves connections, as a crash does; the server goes on listening, commands are orphaned."""
        servers = {one for one in self.sessions() if _is_sshd(one)}
        if not servers:
            raise ServiceError("there is no connection to cut")
        for one in servers:
            one.send(9)

    def stop(self) -> None:
        """End the server and every connection; what was started in them and left them lives on."""
        servers = {one for one in self.sessions() if _is_sshd(one)}
        if self._daemon is not None:
            self._daemon.stop()
        end(servers)

    def close(self) -> None:
        """End everything that was ever started in a session."""
        self.stop()
        end(marked(self.folder))

    def remains(self) -> set[Process]:
        """What commands of sessions have left running."""
        return {one for one in marked(self.folder) if not _is_sshd(one)}

    def __call__(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line with OpenSSH's own client."""
        return subprocess.run(
            ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", self.host, command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


def keygen(path: Path) -> None:
    """A new key pair without a passphrase, in place of the one that may be there."""
    path.unlink(missing_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True, timeout=20)


def _is_sshd(process: Process) -> bool:
    try:
        return Path(f"/proc/{process.pid}/comm").read_text().startswith("sshd")
    except OSError:
        return False


def _pam(user: str) -> str:
    """Whether sshd needs PAM to let the account in: without, it refuses one whose password is locked."""
    if os.geteuid() != 0:
        return "no"
    shadow = subprocess.run(
        ["getent", "shadow", pwd.getpwnam(user).pw_name], capture_output=True, text=True, check=False
    )
    return "yes" if ":!" in shadow.stdout[: len(user) + 2] else "no"
