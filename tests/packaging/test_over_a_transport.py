"""Code goes to a store on a host over the host's transport, and only what is lacking there, also after a break."""

from __future__ import annotations

import asyncio
import os

import pytest

from nrun import LocalTunnel, TransportError
from nrun.errors import BackendError
from nrun.model import Bundle
from nrun.packaging.send import RECEIVER, send
from nrun_testing.trees import Shelf, write
from nrun_transport_ssh import SSHTunnel


@pytest.fixture(params=["this machine", "ssh"])
def tunnel(request, tmp_path):
    if request.param == "this machine":
        return LocalTunnel(job_dir=str(tmp_path))
    sshd = request.getfixturevalue("sshd")
    return SSHTunnel(host=sshd.host, config=str(sshd.config), job_dir=str(tmp_path))


@pytest.fixture
def bundle(store, tmp_path):
    """Some code, of a few megabytes that cannot be compressed."""
    tree = {f"data/{i}.bin".encode(): ("f", os.urandom(200_000)) for i in range(40)}
    id_, _ = store.keep_all(write(tmp_path / "code", tree | {b"run.sh": ("x", b"true")}))
    return Bundle(id_, store.path)


async def stage(transport, bundle, job_dir, progress=lambda *_: None):
    await transport.send({path.name: path for path in RECEIVER}, f"{job_dir}/there", timeout_s=30)
    argv = ("python3", f"{job_dir}/there/receive.py", f"{job_dir}/there/bundles")
    async with transport.talk(argv, timeout_s=60) as line:
        return await send([bundle], line, progress)


def test_a_bundle_arrives_whole_and_a_second_time_nothing_is_sent(tunnel, bundle, tmp_path):
    async def main():
        async with tunnel.connect() as transport:
            return [await stage(transport, bundle, tunnel.job_dir) for _ in range(2)]

    first, second = asyncio.run(main())
    there = Shelf(tmp_path / "there" / "bundles")
    assert there.bundles() == {bundle.id}
    there.check()
    assert first > 8_000_000
    assert second < 100


def test_after_a_broken_connection_the_rest_is_sent(new_sshd, bundle, tmp_path):
    server = new_sshd()
    tunnel = SSHTunnel(host=server.host, config=str(server.config), job_dir=str(tmp_path))

    def cut_half_way(sent, whole):
        if sent > whole / 2 and not cut:
            cut.append(sent)
            server.cut()

    async def main():
        async with tunnel.connect() as transport:
            with pytest.raises(BackendError) as error:
                await stage(transport, bundle, tunnel.job_dir, cut_half_way)
            assert isinstance(error.value, TransportError) or "connection" in error.value.message
            return await stage(transport, bundle, tunnel.job_dir)

    cut = []
    rest = asyncio.run(main())
    Shelf(tmp_path / "there" / "bundles").check()
    assert rest < 8_000_000
