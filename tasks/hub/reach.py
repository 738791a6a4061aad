"""Where a Hub may send us: to itself, and to the stores of its large files. Pure.

A redirect is an answer of a server, and a server that is not what it seems would use it to make this machine read
what only this machine can reach: a metadata address of a cloud, a service on loopback, a printer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

# The Hub's own names and stores, as https://huggingface.co/.well-known/meta.json lists them and hub-docs did before.
_STORE = re.compile(
    r"huggingface\.co|hf\.co"
    r"|cdn-lfs(?:-[a-z0-9-]+)?\.(?:hf|huggingface)\.co"
    r"|[a-z0-9-]+\.xethub(?:-[a-z0-9-]+)?\.hf\.co"
    r"|(?:[a-z0-9-]+\.){1,3}cdn\.hf\.co"
)
_PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """An address that this Hub must not send us to."""


@dataclass(frozen=True)
class Reach:
    """The addresses that one Hub may send us to. `also`: hosts that the settings of this machine add."""

    endpoint: str
    also: Collection[str] = field(default=())

    @cached_property
    def _home(self) -> SplitResult:
        return urlsplit(self.endpoint)

    def is_home(self, url: str) -> bool:
        """Whether it is the Hub itself, by scheme, host and port: the one place for its token."""
        return _origin(urlsplit(url)) == _origin(self._home)

    def is_host(self, host: str) -> bool:
        """Whether it is the Hub's own host."""
        return host.lower() == _host(self._home)

    def check(self, url: str) -> None:
        """Raise `AddressRefused` where the Hub must not send us to this address."""
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise self._refused(parts, "it contains a user or a password")
        if self.is_home(url):
            return
        if parts.scheme == "http" and self._home.scheme == "https":
            raise self._refused(parts, "it is not encrypted")
        is_listed = _host(parts) in self.also and parts.scheme in _PORTS
        if not (is_listed or _is_store(parts) or self._is_home_encrypted(parts)):
            raise self._refused(
                parts,
                "it is neither this Hub nor a known store of its files; CARDIOGRAPH_HUB_HOSTS names others",
            )

    def check_peer(self, host: str, address: str, home_address: str | None) -> None:
        """Raise `AddressRefused` where another host's name leads into a private network, and the Hub's own does not.

        `home_address`: the address of the Hub, where it is known.
        """
        if self.is_host(host) or host in self.also or not is_private(address):
            return
        if home_address is None or not is_private(home_address):
            raise AddressRefused(f"{host}: its address {address} is a private one")

    def _is_home_encrypted(self, parts: SplitResult) -> bool:
        """Whether it is the Hub itself by https, where the Hub's own address is plain http, both on usual ports."""
        is_same = _host(parts) == _host(self._home) and _port(self._home) == _PORTS["http"]
        return is_same and parts.scheme == "https" and _port(parts) == _PORTS["https"]

    def _refused(self, parts: SplitResult, problem: str) -> AddressRefused:
        return AddressRefused(f"{parts.scheme}://{_host(parts)[:200]}: {problem}")


def _is_store(parts: SplitResult) -> bool:
    is_plain = parts.scheme == "https" and _port(parts) == _PORTS["https"]
    return is_plain and bool(_STORE.fullmatch(_host(parts)))


def is_private(address: str) -> bool:
    """Whether an IP address is not one of the public internet: loopback, private, link-local, shared."""
    try:
        ip = ip_address(address)
    except ValueError:
        return True  # nothing that a public server has
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global or ip.is_multicast


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".").lower()


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, _host(parts), _port(parts)
