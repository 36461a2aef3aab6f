"""A security key in software that speaks CTAP 2.0 to the real client of python-fido2: everything
but the USB cable. Built-in user verification, ES256 (or another, to be refused)."""

from __future__ import annotations

import hashlib
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fido2 import cbor
from fido2.ctap import CtapDevice

OK, NO_CREDENTIALS, OPERATION_DENIED = 0x00, 0x2E, 0x27
UP, UV, AT = 0x01, 0x04, 0x40


class SoftKey(CtapDevice):
    """`touched`: the person is there. `verified`: and knows the PIN (or shows a finger)."""

    def __init__(self, *, touched=True, verified=True, eddsa=False):
        self.touched, self.verified, self.eddsa = touched, verified, eddsa
        self.held = {}
        self.counter = 0

    @property
    def capabilities(self):
        return 0x04  # CBOR

    @classmethod
    def list_devices(cls):
        return iter(())

    def call(self, cmd, data=b"", event=None, on_keepalive=None):
        assert cmd == 0x10
        asked = cbor.decode(data[1:]) if len(data) > 1 else {}
        answer = {0x01: self._make, 0x02: self._assert, 0x04: self._info}[data[0]](asked)
        return bytes([answer]) if isinstance(answer, int) else b"\0" + cbor.encode(answer)

    def _info(self, _):
        options = {"rk": True, "up": True, "uv": True}
        return {1: ["FIDO_2_0"], 3: b"\0" * 16, 4: options, 5: 1200, 6: [1]}

    def _make(self, asked):
        if not self.touched:
            return OPERATION_DENIED
        name = os.urandom(16)
        private = ed25519.Ed25519PrivateKey.generate() if self.eddsa else _p256()
        self.held[name] = (asked[2]["id"], private)
        public = _cose(private)
        attested = b"\0" * 16 + struct.pack(">H", len(name)) + name + cbor.encode(public)
        return {1: "none", 2: self._data(asked[2]["id"], AT) + attested, 3: {}}

    def _assert(self, asked):
        wanted = [one["id"] for one in asked.get(3, [])]
        found = [n for n in wanted if n in self.held and self.held[n][0] == asked[1]]
        if not found:
            return NO_CREDENTIALS
        silent = asked.get(5, {}).get("up") is False
        if not (self.touched or silent):
            return OPERATION_DENIED
        data = self._data(asked[1], 0)
        private = self.held[found[0]][1]
        message = data + asked[2]
        signature = (
            private.sign(message)
            if self.eddsa
            else private.sign(message, ec.ECDSA(hashes.SHA256()))
        )
        return {1: {"type": "public-key", "id": found[0]}, 2: data, 3: signature}

    def _data(self, rp_id, flags):
        self.counter += 1
        flags |= UP | (UV if self.verified else 0)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)


def _p256():
    return ec.generate_private_key(ec.SECP256R1())


def _cose(private):
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: -8, -1: 6, -2: private.public_key().public_bytes_raw()}
    point = private.public_key().public_numbers()
    return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
