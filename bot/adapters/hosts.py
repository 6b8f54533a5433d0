"""Which hosts are this machine (there, plain HTTP is safe and proxies are not asked), and which
addresses nobody may have asked by writing a base URL or answering with a redirect."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "fd00:ec2::254",  # AWS by IPv6
        "fd20:ce::254",  # Google by IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's wire server
        "192.0.0.192",  # Oracle
    )
)
"""Where a cloud hands out the credentials of its machines. Not all of them are link-local."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_loopback(host: str) -> bool:
    """`localhost`, a name below it, or a loopback address; names are not looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_off_limits(text: str) -> bool:
    """This machine, the link, a metadata service, or no single machine at all; also where an IPv6
    address only carries such an IPv4 one. Private networks are fine: many a base URL is in one.
    True of what is no address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True
    return any(_is_off_limits(each) for each in (address, *_carried(address)))


def _is_off_limits(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address in _METADATA
        or (isinstance(address, ipaddress.IPv4Address) and address.is_reserved)
        or (isinstance(address, ipaddress.IPv4Address) and int(address) >> 24 == 0)
    )


def _carried(address: Address) -> tuple[Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or int(address) >> 32 == 0:  # and the old form ::a.b.c.d
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in inside if each is not None)
