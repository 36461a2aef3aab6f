"""The bundle works as it is with mosquitto_pub, and the commands that make it work too."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from beffroi.cli.device import app
from beffroi.model.asset import Asset

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="needs mosquitto-clients"),
]


def write(folder, bundle):
    for name, content in bundle.files.items():
        (folder / name).write_bytes(content)


async def pub(folder, *arguments, options=True):
    env = {**os.environ, "XDG_CONFIG_HOME": "." if options else "/nonexistent"}
    command = ["mosquitto_pub", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, env=env, capture_output=True, text=True, timeout=30
    )


async def test_the_options_file_and_the_command_of_the_readme_work(harbour, bus, tmp_path):
    made = harbour.enrol("dev-1")
    folder = tmp_path / "bundle"
    folder.mkdir()
    write(folder, made)
    done = await pub(folder, "-t", "d/dev-1/tele", "-m", '{"values": {"level_m": 2.1}}')
    assert (done.returncode, done.stderr) == (0, "")
    readme = (folder / "README.txt").read_text()
    lines = [line for line in readme.splitlines() if "mosquitto_pub -" in line]
    assert len(lines) == 2
    for line in lines:
        shell = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", line.strip()], cwd=folder, capture_output=True, timeout=30
        )
        assert (shell.returncode, shell.stderr) == (0, b"")
    got = await harbour.read(bus, 3)
    assert [m.sender for m in got] == ["dev-1"] * 3
    assert json.loads(got[0].payload) == {"values": {"level_m": 2.1}}


async def test_mosquitto_without_the_certificate_is_refused(harbour, bus, tmp_path):
    write(tmp_path, harbour.enrol("dev-1"))
    await (await harbour.connect("dev-1")).close()
    here = harbour.stack.endpoint
    where = ["-h", here.mqtt_host, "-p", str(here.mqtt_port), "-i", "dev-1", "-q", "1"]
    message = ["-t", "d/dev-1/tele", "-m", "x"]
    for tls in ([], ["--cafile", "ca.crt"]):
        done = await pub(tmp_path, *where, *tls, *message, options=False)
        assert done.returncode != 0
    assert await bus.fetch(10, 0.3) == []


async def test_from_the_command_line_to_a_reading_and_out_again(harbour, bus, tmp_path):
    stack, run = harbour.stack, CliRunner()
    here = stack.endpoint
    (stack.home / "config.toml").write_text(
        f'[mqtt]\nhost = "{here.mqtt_host}"\nport = {here.mqtt_port}\n'
    )
    stack.store.assets.put_assets([Asset("tank-1", "water", "tank", "Château d'eau", 1.0, 45.0)])

    async def beffroi(*arguments):
        home = ["--home", str(stack.home)]
        return await asyncio.to_thread(run.invoke, app, [*arguments, *home])

    assert (await beffroi("add", "dev-1", "--asset", "nothing")).exit_code == 1
    assert (await beffroi("add", "Dev 1", "--asset", "tank-1")).exit_code == 1
    assert (await beffroi("add", "dev-1", "--asset", "tank-1")).exit_code == 0
    assert (await beffroi("add", "dev-1", "--asset", "tank-1")).exit_code == 1
    token = (await beffroi("invite", "dev-1")).stdout.splitlines()[0]
    folder = tmp_path / "out"
    done = await beffroi("redeem", token, "--out", str(folder))
    assert done.exit_code == 0
    assert (folder / "device.key").stat().st_mode & 0o077 == 0
    assert (await beffroi("redeem", token, "--out", str(folder))).exit_code == 1
    sent = await pub(folder, "-t", "d/dev-1/tele", "-m", "{}")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert [m.sender for m in await harbour.read(bus, 1)] == ["dev-1"]
    assert "dev-1" in (await beffroi("list")).stdout
    assert (await beffroi("revoke", "dev-1")).exit_code == 0
    await asyncio.sleep(0.5)
    assert (await pub(folder, "-t", "d/dev-1/tele", "-m", "{}")).returncode != 0
