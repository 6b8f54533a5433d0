"""HTTPS of the base URLs: an authority of this world, and a certificate for each host.

Made by the `openssl` program where the machine has one; where it has none the sites are plain http,
and certificates are the one thing that the sandbox cannot show. Keys live in the world's directory
and open nothing outside of it.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

LASTS, ENDS = 74, 2  # days


class Certificates:
    """`ends(host)` says whether a host presents one that is about to expire. `found` makes the
    authority; each certificate is made when it is first asked for."""

    def __init__(self, home: Path, hosts: Sequence[str], ends: Callable[[str], bool]) -> None:
        self._home = home
        self._hosts = hosts
        self._ends = ends
        self._key = home / "key.pem"
        self._making = threading.Lock()
        self._contexts: dict[tuple[str, int], ssl.SSLContext] = {}
        self.authority = home / "authority.pem"
        self.possible = False

    def found(self) -> None:
        """Blocks for some milliseconds."""
        if not self._hosts or shutil.which("openssl") is None:
            return
        self._home.mkdir(parents=True, exist_ok=True)
        try:
            _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._key)
            self._key.chmod(0o600)
            _openssl(
                *("req", "-x509", "-new", "-key", self._key, "-subj", "/CN=Sandbox"),
                *("-days", "90", "-addext", "keyUsage=critical,keyCertSign,digitalSignature"),
                *("-out", self.authority),
            )
        except (OSError, subprocess.SubprocessError):
            return
        self.possible = True

    def context(self) -> ssl.SSLContext:
        """For a listener: each handshake gets the certificate of the host that it asks for, as it
        is at that moment."""

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if name not in self._hosts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = self._of(str(name), ENDS if self._ends(str(name)) else LASTS)
            return None

        listener = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        listener.sni_callback = choose
        return listener

    def _of(self, host: str, days: int) -> ssl.SSLContext:
        with self._making:
            if (host, days) not in self._contexts:
                self._contexts[host, days] = self._signed(host, days)
            return self._contexts[host, days]

    def _signed(self, host: str, days: int) -> ssl.SSLContext:
        request, extensions = self._home / f"{host}.csr", self._home / f"{host}.ext"
        signed = self._home / f"{host}-{days}.pem"
        _openssl("req", "-new", "-key", self._key, "-subj", f"/CN={host}", "-out", request)
        extensions.write_text(f"subjectAltName=DNS:{host}")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self._key),
            *("-days", str(days), "-extfile", extensions, "-out", signed),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(signed, self._key)
        return context


def _openssl(*words: str | Path) -> None:
    command = ["openssl", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=20)  # noqa: S603
