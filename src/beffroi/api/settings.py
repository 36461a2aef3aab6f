"""How the web side is reached. Knows nothing of where the values come from."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`hosts`: names under which browsers may call us, without port. `https`: a TLS proxy in front
    (then cookies are Secure and browsers are told to stay on https)."""

    hosts: tuple[str, ...] = ()
    https: bool = False
    open311_keys: tuple[str, ...] = ()  # SHA-256 of keys; empty: nobody needs one to report

    @property
    def all_hosts(self) -> frozenset[str]:
        return frozenset(host.lower() for host in (*LOCAL_HOSTS, *self.hosts))
