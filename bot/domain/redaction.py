"""Secrets out of foreign text, before it leaves the process in a card, a thread or a log.

Conservative by design: a mask too many costs a look into the cluster, one too few costs a key.
Every pattern is linear in the length of its line. The text is cleared of colour codes first, so
that an escape sequence in the middle of a token does not hide it.
"""

import re

MASK = "[redacted]"

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

_WHOLE = re.compile(
    "|".join(
        (
            r"xox[abeoprs]-[\w-]{8,}",  # Slack
            r"xapp-[\w-]{8,}",
            r"gh[opsur]_[A-Za-z0-9]{20,}",  # GitHub
            r"github_pat_\w{20,}",
            r"glpat-[\w-]{16,}",  # GitLab
            r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}",  # AWS
            r"AIza[\w-]{30,}",  # Google
            r"sk_(?:live|test)_\w{16,}|rk_live_\w{16,}",  # Stripe
            r"sk-[A-Za-z0-9][\w-]{18,}",
            r"sb[ps]_[A-Za-z0-9_]{20,}",  # Supabase
            r"npm_[A-Za-z0-9]{30,}",
            r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
            r"dckr_pat_[\w-]{20,}",
            r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON Web Token
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*",
        )
    )
)
_USERINFO = re.compile(
    r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://)[^\s/@:]{0,200}:[^\s/@]{1,400}@"
)
_HEADER = re.compile(
    r"(?i)\b(?P<head>(?:bearer|basic|token)\s{1,5})(?=[\w.~+/-]{0,200}[\d=])[\w.~+/=-]{8,}"
)
_ASSIGNED = re.compile(
    r"(?i)(?P<head>(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|private[_-]?key"
    r"|access[_-]?key|role[_-]?key|anon[_-]?key|credential)[\w.-]{0,40}"
    r"[\"']?\s{0,3}(?:=|:(?!//))\s{0,3})(?P<quote>[\"']?)(?P<value>[^\s\"',;}&]{3,})"
)
_HARMLESS = frozenset({"true", "false", "null", "none", "undefined", "missing", "required", "not"})


def redact(text: str) -> str:
    """The same text with what looks like a secret masked."""
    masked = _COLOUR.sub("", text)
    masked = _WHOLE.sub(MASK, masked)
    masked = _USERINFO.sub(lambda m: f"{m['head']}{MASK}@", masked)
    masked = _HEADER.sub(lambda m: f"{m['head']}{MASK}", masked)
    return _ASSIGNED.sub(_assigned, masked)


def _assigned(found: re.Match[str]) -> str:
    value = found["value"]
    if value.lower().strip(".!") in _HARMLESS or value == MASK:
        return found[0]
    return f"{found['head']}{found['quote']}{MASK}"
