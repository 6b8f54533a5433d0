"""Which hosts are this machine: there, plain HTTP is safe and proxies are not asked."""

import ipaddress


def is_loopback(host: str) -> bool:
    """`localhost`, a name below it, or a loopback address; names are not looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
