"""`beffroi verify` and `beffroi evidence` as a town clerk and a judge's expert type them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.evidence.kit import ROSTER, seed, story
from typer.testing import CliRunner

from beffroi.adapters.log import Log
from beffroi.cli.main import app
from beffroi.evidence.entry import Draft
from beffroi.kernel.roster import Roster

RUN = CliRunner()


def beffroi(*words: object) -> tuple[int, str]:
    done = RUN.invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    log = Log(tmp_path / "home" / "evidence", "aubigny", seed=seed("log"))
    log.append(story().drafts)
    log.close()
    (tmp_path / "roster.cbor").write_bytes(ROSTER.encoded())
    return tmp_path / "home"


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "preuves.txt"
    status, said = beffroi(
        "evidence", "export", path, 1, 5, "--roster", tmp_path / "roster.cbor", "--home", home
    )
    assert status == 0, said
    return path


def test_a_file_is_verified_with_the_roster(file: Path, tmp_path: Path) -> None:
    status, said = beffroi("verify", file, "--roster", tmp_path / "roster.cbor", "--lang", "fr")
    assert status == 0, said
    assert "l’entrée 5 (commande refusée\u00a0: signature fausse [bad_signature]" in said
    assert "Rien n’est rompu." in said
    status, said = beffroi("verify", file, "--lang", "en")
    assert status == 0
    assert "Still compare the key’s fingerprint" in said


def test_one_changed_byte_is_named(file: Path, tmp_path: Path) -> None:
    data = bytearray(file.read_bytes())
    data[data.index(b"entry 5 ") + 200] ^= 1
    file.write_bytes(data)
    status, said = beffroi("verify", file, "--roster", tmp_path / "roster.cbor", "--lang", "fr")
    assert status == 1
    assert "CE FICHIER NE FAIT PAS FOI\u00a0:" in said
    assert "Entrées concernées\u00a0: 5." in said
    status, said = beffroi("verify", file, "--lang", "en")
    assert status == 1
    assert "Entries concerned: 5." in said


def test_it_works_alone_in_an_empty_place_without_network_or_home(file: Path) -> None:
    """Another process, no BEFFROI_HOME, no HOME, sockets refused."""
    code = (
        "import socket, sys\n"
        "def no(*a, **k): raise SystemExit('it opened a socket')\n"
        "socket.socket.connect = no\n"
        "from beffroi.cli.main import app\n"
        f"app(['verify', {str(file)!r}, '--lang', 'en'])\n"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "PROVEN" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 50, b"%PDF-1.7\n", b"beffroi-evidence 1\n"])
def test_other_files_are_refused_in_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    status, said = beffroi("verify", tmp_path / "x", "--lang", "fr")
    assert status == 1
    assert "ROMPU" in said
    status, said = beffroi("verify", tmp_path / "missing")
    assert status == 2


def test_a_roster_of_another_commune_does_not_fit(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.cbor").write_bytes(Roster("calais", 1, 5).encoded())
    status, said = beffroi("verify", file, "--roster", tmp_path / "other.cbor", "--lang", "fr")
    assert status == 1
    assert "n’est pas signé par une clé du journal de calais" in said


def test_fsck(home: Path) -> None:
    status, said = beffroi("evidence", "fsck", home, "--lang", "fr")
    assert (status, "7 entrées\u00a0: tout s’accorde" in said) == (0, True), said
    path = home / "evidence" / "log" / "open" / "0"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    status, said = beffroi("evidence", "fsck", home, "--lang", "en")
    assert status == 1
    assert "not those that were signed" in said


def test_list_erase_and_publish(home: Path, tmp_path: Path) -> None:
    status, said = beffroi("evidence", "list", "--home", home, "--lang", "fr", "--last", 2)
    assert status == 0
    assert len(said.splitlines()) == 2
    assert "15 janvier 2027" in said
    assert beffroi("evidence", "erase", 1, "--home", home) == (0, "1 effacé(s) / erased\n")
    status, said = beffroi("evidence", "fsck", home, "--lang", "en")
    assert "erased: 1" in said
    status, said = beffroi("evidence", "publish", tmp_path / "www", "--home", home)
    assert status == 0
    assert (tmp_path / "www" / "tile" / "0" / "000.p" / "7").exists()


def test_adopt_after_the_database_was_lost(home: Path) -> None:
    for path in (home / "evidence").glob("payloads.sqlite*"):
        path.unlink()
    (home / "evidence" / "log.key").write_bytes(seed("log"))
    (home / "evidence" / "log.key").chmod(0o600)
    status, said = beffroi("evidence", "adopt", "--home", home)
    assert status == 0, said
    assert "7 entrées" in said


def test_two_communes_over_a_folder(home: Path, tmp_path: Path) -> None:
    status, key = beffroi("evidence", "key", "--home", home)
    assert status == 0
    assert key.startswith("beffroi/aubigny+")
    there, folder = tmp_path / "bethune", tmp_path / "stick"
    status, said = beffroi("evidence", "witness", "key", "--home", there)
    assert (status, "--name" in said) == (1, True)
    _, witness = beffroi("evidence", "witness", "key", "--home", there, "--name", "temoin.b")
    assert beffroi("evidence", "witness", "trust", key, "--home", there)[0] == 0
    assert beffroi("evidence", "witness", "add", witness, folder, "--home", home)[0] == 0
    ask = ("evidence", "cosign", "--home", home, "--timeout-s", 0.3)
    assert beffroi(*ask)[0] == 1
    assert beffroi("evidence", "witness", "serve-folder", folder, "--home", there)[0] == 0
    status, said = beffroi(*ask)
    assert (status, said) == (0, "7 entrées, 1 témoin(s) / witness(es)\n")
    assert beffroi("evidence", "witness", "conflicts", "--home", there)[0] == 0
    status, said = beffroi("evidence", "witness", "key", "--home", there, "--name", "other")
    assert (status, "is called temoin.b" in said) == (1, True)


def test_errors_are_one_line(tmp_path: Path) -> None:
    for words in (
        ("evidence", "key", "--home", tmp_path),
        ("evidence", "export", tmp_path / "x", 1, "--home", tmp_path),
        ("evidence", "list", "--home", tmp_path),
        ("evidence", "erase", 1, "--home", tmp_path),
        ("evidence", "cosign", "--home", tmp_path),
        ("evidence", "witness", "add", "junk", "x", "--home", tmp_path),
    ):
        status, said = beffroi(*words)
        assert status == 1, words
        assert said.startswith("beffroi: "), said
        assert said.count("\n") == 1, said


def test_time_stamp_by_a_local_authority(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    authority = tmp_path / "tsa"
    authority.mkdir()
    made = subprocess.run(
        ["bash", "-euc", AUTHORITY], cwd=authority, capture_output=True, text=True, timeout=120
    )
    assert made.returncode == 0, made.stderr
    root = authority / "ca.pem"
    assert beffroi("evidence", "stamp", file, "--request", authority / "q.tsq")[0] == 0
    answered = subprocess.run(
        ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq", "-out", "r.tsr"],
        cwd=authority, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answered.returncode == 0, answered.stderr
    plain = file.read_bytes()
    assert beffroi("evidence", "stamp", file, "--answer", authority / "r.tsr")[0] == 0
    status, said = beffroi("verify", file, "--tsa", root, "--lang", "fr")
    assert status == 0, said
    assert "L’autorité d’horodatage CN=Racine a daté ce journal du" in said
    assert "il n’a pas été vérifié" in beffroi("verify", file, "--lang", "fr")[1]
    # The same answer under another log, and a changed answer.
    other = Log(tmp_path / "o", "aubigny", seed=seed("log"))
    other.append([Draft("a.b", 1)])
    other.export([0], tmp_path / "o.txt", ROSTER.encoded())
    other.close()
    assert beffroi("evidence", "stamp", tmp_path / "o.txt", "--answer", authority / "r.tsr")[0] == 0
    status, said = beffroi("verify", tmp_path / "o.txt", "--tsa", root, "--lang", "fr")
    assert (status, "L’horodatage joint ne tient pas" in said) == (1, True)
    answer = (authority / "r.tsr").read_bytes()
    for at in range(0, len(answer), 37):
        (authority / "bad.tsr").write_bytes(
            answer[:at] + bytes([answer[at] ^ 4]) + answer[at + 1 :]
        )
        file.write_bytes(plain)
        assert beffroi("evidence", "stamp", file, "--answer", authority / "bad.tsr")[0] == 0
        status, said = beffroi("verify", file, "--tsa", root, "--lang", "en")
        assert status == 1 or "PROVEN      The time-stamping authority" in said, at
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"junk")
    assert beffroi("verify", file, "--tsa", junk)[0] == 2


# Without `certs` in the configuration: with it OpenSSL 3.0 answers in an order that is not DER.
AUTHORITY = """
cat > ca.cnf <<'C'
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
C
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
  -subj /CN=Racine -days 30 -config ca.cnf -extensions ca
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr \
  -subj /CN=Horodatage -config ca.cnf
openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 \
  -extfile ca.cnf -extensions tsa
echo 01 > serial
cat > tsa.cnf <<'C'
[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
C
"""
