"""A key that cannot leave its module: SoftHSM 2, a real PKCS#11 library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PIN = "246810"
pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """Its configuration is read from the environment when the library is loaded: each use below
    is a process of its own, as `beffroi sign` is."""
    found = next((path for path in MODULES if Path(path).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("needs softhsm2 (apt-get install softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    env = {**os.environ, "SOFTHSM2_CONF": str(conf)}
    words = ["--init-token", "--free", "--label", "mairie", "--so-pin", "12345678", "--pin", PIN]
    subprocess.run(["softhsm2-util", *words], env=env, check=True, capture_output=True)
    return found, env


CODE = """
import sys
from beffroi.adapters.signers import hsm, open_signer
from beffroi.kernel import keys
from beffroi.ports.signer import SignerError
uri = f"pkcs11:token={sys.argv[1]};object={sys.argv[2]}?module-path=" + sys.argv[3]
pin = lambda what: sys.argv[4]
try:
    signer = hsm.create(uri, pin) if sys.argv[5] == "create" else open_signer(uri, pin)
    made = signer.sign(b"DSSEv1 1 a 1 b")
    held = keys.verify(signer.public, made.value, b"DSSEv1 1 a 1 b")
    print(signer.kind, held, signer.public.hex())
except SignerError as error:
    print(error)
"""


def beffroi(module, token="mairie", label="maire", pin=PIN, what="open"):  # noqa: S107
    path, env = module
    words = [sys.executable, "-c", CODE, token, label, path, pin, what]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_key_is_made_in_the_module_and_signs_there(module):
    made = beffroi(module, label="first", what="create")
    assert made.startswith("ed25519 True ")
    assert beffroi(module, label="first") == made


def test_a_key_is_not_made_over_another(module):
    beffroi(module, label="second", what="create")
    assert "exists already" in beffroi(module, label="second", what="create")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"pin": "000000"}, "wrong PIN"),
        ({"pin": ""}, "PIN"),
        ({"token": "nowhere"}, "plugged in"),
        ({"label": "nobody"}, "no single Ed25519 key"),
    ],
)
def test_what_is_wrong_is_said(module, other, said):
    assert said in beffroi(module, **other)


def test_the_private_key_cannot_be_read(module):
    """Not even with the PIN."""
    beffroi(module, label="third", what="create")
    path, env = module
    code = (
        "import sys, pkcs11; t = pkcs11.lib(sys.argv[1]).get_token(token_label='mairie')\n"
        "with t.open(user_pin=sys.argv[2]) as s:\n"
        "    k = s.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label='third')\n"
        "    try:\n        print(k[pkcs11.Attribute.VALUE])\n"
        "    except pkcs11.PKCS11Error as error:\n        print(type(error).__name__)"
    )
    words = [sys.executable, "-c", code, path, PIN]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "AttributeSensitive"
