"""Tunnels to a real SSH server, one for each way to connect."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from nrun import HostCommand
from nrun_transport_ssh import SSHTunnel

WAYS = ("asyncssh", "openssh")


@pytest.fixture(scope="session")
def reach(request):
    """Makes tunnels to a server; a master of OpenSSH's is ended with the tests."""
    masters = set()

    def reach(server, **options):
        if options.get("via") == "openssh":
            config = server.folder / "with-master"
            config.write_text(f"Host *\n  ControlPath {server.folder}/m\n\n{server.config.read_text()}")
            masters.add(config)
            options = {"config": str(config), **options}
        return SSHTunnel(**{"host": server.host, "config": str(server.config), "job_dir": "/tmp", **options})

    yield reach
    for config in masters:
        words = ["ssh", "-F", str(config), "-O", "exit", "nrun-test"]
        subprocess.run(words, capture_output=True, timeout=10, check=False)


@pytest.fixture(params=WAYS)
def tunnel(request, sshd, reach):
    """A tunnel to the server that all tests share."""
    return reach(sshd, via=request.param)


@pytest.fixture
def use():
    """The outcome of what is done with the transport of a tunnel."""

    def use(tunnel, doing, timeout_s=60):
        async def main():
            async with tunnel.connect() as transport, asyncio.timeout(timeout_s):
                return await doing(transport)

        return asyncio.run(main())

    return use


@pytest.fixture
def run(use):
    """How one command ended."""

    def run(tunnel, *argv, timeout_s=30, **options):
        async def doing(transport):
            return (await transport.run([HostCommand(argv, **options)], timeout_s=timeout_s))[0]

        return use(tunnel, doing)

    return run
