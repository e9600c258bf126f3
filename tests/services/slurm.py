"""A real Slurm cluster on this machine: four nodes, GPUs that are pretended, accounting, preemption, five partitions.

Everything lies in one folder: keys, database, spool, logs. The daemons run in the foreground, as children of the run.
"""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from pathlib import Path

from services.packages import program
from services.processes import Daemon, Process, ServiceError, end, free_ports, marked, wait_until

PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "slurmdbd": "slurmdbd",
    "munged": "munge",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
}
NODES = {"n1": "gpu:a100:4", "n2": "gpu:a100:4", "n3": "gpu:t4:2", "n4": ""}
"""Node -> its GPUs."""

DATABASE = """\
[mariadbd]
user=root
datadir={folder}/db
socket={folder}/run/mariadb.sock
pid-file={folder}/run/mariadbd.pid
tmpdir={folder}/run
bind-address=127.0.0.1
port={db}
skip-log-bin
skip-name-resolve
performance_schema=OFF
innodb_buffer_pool_size=64M
innodb_log_file_size=64M
innodb_lock_wait_timeout=900
max_allowed_packet=16M
# it lives as long as the test run: nothing need survive a power cut
innodb_flush_log_at_trx_commit=0
innodb_flush_method=nosync
innodb_doublewrite=0
"""
ACCOUNTING = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={dbd}
SlurmUser=root
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={db}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
"""
CLUSTER = """\
ClusterName=nrun
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# a requeued job starts again when the credential of its first run has expired: after 120 s by default
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
# more processors than the machine has
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
GresTypes=gpu
SchedulerType=sched/backfill
# heterogeneous jobs are started by the backfill scheduler alone, every 30 s by default
SchedulerParameters=bf_interval=1,bf_continue,sched_interval=5,batch_sched_delay=0,default_queue_depth=1000
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd}
AccountingStoragePass={folder}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations
AccountingStoreFlags=job_comment,job_env,job_script
MaxArraySize=10001
MaxJobCount=20000
MinJobAge=600
KillWait=2
MessageTimeout=30
{nodes}
PartitionName=DEFAULT Nodes=ALL State=UP DefaultTime=60 MaxTime=INFINITE OverSubscribe=NO
PartitionName=main  Default=YES PriorityTier=10 PreemptMode=OFF
PartitionName=high  PriorityTier=100 PreemptMode=OFF
PartitionName=low   PriorityTier=1 PreemptMode=REQUEUE
PartitionName=scav  PriorityTier=1 PreemptMode=CANCEL
PartitionName=short PriorityTier=10 PreemptMode=OFF DefaultTime=1 MaxTime=1
"""


class Slurm:
    """A cluster. Whoever has `env` in the environment talks to it: `sbatch`, `squeue`, `sacct` and the others.

    Partitions: main, high (preempts low and scav), low (requeued), scav (cancelled), short (one minute). Nodes n1 to n4
    with 8 processors and 16000 MB; n1 and n2 have four GPUs "a100", n3 two "t4".
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"SLURM_CONF": str(folder / "etc" / "slurm.conf")}
        self.daemons: dict[str, Daemon] = {}
        for name in ("etc", "log", "run", "db", "ctld", "dev", "munge"):
            (folder / name).mkdir(parents=True, mode=0o755)
        names = ("ctld", "dbd", "db", *NODES)
        self._told = dict(zip(names, free_ports(len(names)), strict=True)) | {
            "folder": folder,
            "host": os.uname().nodename,
            "password": secrets.token_hex(8),
        }

    # ---- up and down

    def start(self) -> Slurm:
        self._start_munge()
        self._start_database()
        self._write_configuration()
        self.start_accounting()
        wait_until(lambda: self._accounts("list", "cluster") or self._accounts("add", "cluster", "nrun"), "a cluster")
        self._accounts("add", "account", "nrun", "Description=nrun", "Organization=nrun")
        self._accounts("add", "user", "root", "Account=nrun", "AdminLevel=Admin")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait_idle()
        return self

    def start_accounting(self) -> None:
        """Start `slurmdbd`, or start it again."""
        daemon = self._start("slurmdbd", "-D")
        daemon.wait_until(
            lambda: self._accounts("list", "cluster") is not None, "slurmdbd answers", self._log("slurmdbd")
        )

    def start_controller(self) -> None:
        """Start `slurmctld`, or start it again; it goes on with the jobs it knew."""
        again = "slurmctld" in self.daemons
        daemon = self._start("slurmctld", "-D", *(() if again else ("-c",)))
        daemon.wait_until(lambda: "is UP" in self.run("scontrol", "ping").stdout, "slurmctld", self._log("slurmctld"))

    def start_node(self, node: str) -> None:
        """Start the `slurmd` of a node, or start it again."""
        (self.folder / "spool" / node).mkdir(parents=True, exist_ok=True)
        self._start("slurmd", "-D", "-N", node, name=f"slurmd-{node}")

    def stop_daemon(self, name: str) -> None:
        """End one daemon, such as "slurmdbd", "slurmctld" or "slurmd-n1"."""
        self.daemons[name].stop()

    def wait_idle(self) -> None:
        """Wait until every node has nothing to do and can be used. Raises ServiceError with what is said of them."""
        idle = ("sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N")
        try:
            wait_until(lambda: set(self.run(*idle).stdout.split()) == set(NODES), "", 60)
        except ServiceError:
            raise ServiceError(f"the nodes do not become idle\n{self.run('sinfo', '-N', '-l').stdout}") from None

    def reset(self) -> None:
        """Cancel every job and wait until the nodes are free, for the next test."""
        self.run("scancel", "--me")
        self.wait_idle()

    def close(self) -> None:
        """End the cluster, its jobs, and whatever these left running."""
        if (controller := self.daemons.get("slurmctld")) and controller.running():
            self.run("scancel", "--me")
        end(self.jobs_processes(), 2)
        for daemon in reversed(self.daemons.values()):
            daemon.stop()
        end(self.jobs_processes() | marked(self.folder))

    # ---- use

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands."""
        return subprocess.run(
            [program(words[0]) or words[0], *words[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | self.env,
        )

    def state(self, job: str) -> str:
        """The state of a job, as the controller has it."""
        fields = self.run("scontrol", "show", "job", "-o", job).stdout.split()
        return next((one.partition("=")[2] for one in fields if one.startswith("JobState=")), "")

    def jobs_processes(self) -> set[Process]:
        """The processes of jobs, also those that left theirs: they know this cluster and the node they are on."""
        ours, found = f"SLURM_CONF={self.env['SLURM_CONF']}".encode(), set()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                lines = environ.read_bytes().split(b"\0")
            except OSError:
                continue
            if ours in lines and any(line.startswith(b"SLURMD_NODENAME=") for line in lines):
                found.add(Process.of(int(environ.parent.name)))
        return found - {None}

    # ---- parts

    def _start(self, program_name: str, *words: str, name: str = "") -> Daemon:
        argv = [program(program_name) or program_name, *words]
        daemon = self.daemons[name or program_name] = Daemon(self.folder, name or program_name, argv, self.env)
        return daemon

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _write(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.folder / "etc" / name
        path.touch(mode)
        path.write_text(text.format_map(self._told))
        return path

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        (folder / "key").touch(0o600)
        (folder / "key").write_bytes(secrets.token_bytes(128))
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
        daemon = self._start("munged", "--foreground", "--force", *(f"--{k}={folder / v}" for k, v in files.items()))
        daemon.wait_until((folder / "socket").exists, "munged answers", folder / "log")

    def _start_database(self) -> None:
        conf = self._write("my.cnf", DATABASE)
        words = ["mariadb-install-db", f"--defaults-file={conf}", "--user=root", f"--datadir={self.folder / 'db'}"]
        made = self.run(*words, "--skip-test-db", "--auth-root-authentication-method=normal")
        if made.returncode:
            raise ServiceError(made.stdout + made.stderr)
        daemon = self._start("mariadbd", f"--defaults-file={conf}")
        daemon.wait_until(self._make_database, "mariadbd answers")

    def _make_database(self) -> bool:
        password = self._told["password"]
        sql = f"""
            CREATE DATABASE IF NOT EXISTS slurm_acct_db;
            CREATE OR REPLACE USER slurm@'127.0.0.1' IDENTIFIED BY '{password}';
            GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';
            ALTER USER root@localhost IDENTIFIED VIA unix_socket;
        """
        socket = self.folder / "run" / "mariadb.sock"
        return not self.run("mariadb", "--no-defaults", f"--socket={socket}", "-uroot", stdin=sql).returncode

    def _write_configuration(self) -> None:
        lines, gpus = [], ["AutoDetect=off"]
        for node, gres in NODES.items():
            features = ",".join(["cpu", *gres.split(":")[:2]]) if gres else "cpu"
            where = f"NodeHostname={self._told['host']} NodeAddr=127.0.0.1 Port={self._told[node]}"
            has = f"CPUs=8 RealMemory=16000 Feature={features}{f' Gres={gres}' if gres else ''}"
            lines.append(f"NodeName={node} {where} {has} State=UNKNOWN")
            if gres:
                _, kind, count = gres.split(":")
                devices = self._devices(node, int(count))
                gpus.append(f"NodeName={node} Name=gpu Type={kind} File={devices}/gpu[0-{int(count) - 1}]")
        self._told["nodes"] = "\n".join(lines)
        self._write("slurm.conf", CLUSTER)
        self._write("gres.conf", "\n".join([*gpus, ""]))
        self._write("slurmdbd.conf", ACCOUNTING, 0o600)

    def _devices(self, node: str, count: int) -> Path:
        """Device files that stand for GPUs; they are /dev/null."""
        folder = self.folder / "dev" / node
        folder.mkdir()
        for number in range(count):
            os.mknod(folder / f"gpu{number}", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        return folder

    def _accounts(self, *words: str) -> str | None:
        """What `sacctmgr` answers; None if it cannot."""
        done = self.run("sacctmgr", "-i", "-n", "-P", *words)
        return None if done.returncode else done.stdout.strip()
