"""What secrets look like: the patterns of a kept library, and those that it lacks.

detect-secrets knows the providers; its patterns are taken as they are, less their look-arounds,
which RE2 does not have and without which a pattern masks a little more. Everything is RE2, so no
line, however it was made, takes longer than its length. `redaction.py` applies them.

The library is imported at the first use: with what it brings it takes a sixth of a second.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bot.loading import LOADING

MASK: Final = b"[redacted]"

Masked = Callable[[Any], bytes]
"""From a match to what stands in its place."""


@dataclass(frozen=True, slots=True)
class SecretKind:
    name: str
    pattern: str
    masked: Masked


_PLUGINS: Final = (
    "artifactory",
    "aws",
    "azure_storage_key",
    "cloudant",
    "discord",
    "github_token",
    "gitlab_token",
    "ibm_cloud_iam",
    "ibm_cos_hmac",
    "mailchimp",
    "npm",
    "openai",
    "pypi_token",
    "sendgrid",
    "slack",
    "softlayer",
    "square_oauth",
    "stripe",
    "telegram_token",
    "twilio",
)
"""Left out: entropy and public addresses (ordinary lines are full of both), and those that are
wider below: keywords, JWTs, private keys, basic authentication."""

_LOOK_AROUND = re.compile(r"\(\?<?[=!](?:[^()\\]|\\.)*\)")

_LONG_REPEAT = re.compile(r"\{(\d+),\d{4,}\}")
"""RE2 counts to a thousand."""

_WORDS: Final = (
    "token",
    "credential",
    "passphrase",
    "passwd",
    r"access[_-]?key",
    r"api[_-]?key",
    r"auth[_-]?key",
    r"secret[_-]?key",
    r"private[_-]?key",
    r"signing[_-]?key",
    r"encryption[_-]?key",
    r"role[_-]?key",
    r"anon[_-]?key",
    r"license[_-]?key",
    r"session[_-]?key",
    r"session[_-]?id",
)
"""Names of what is assigned, beyond those of the library."""

_OF_NO_SECRET = re.compile(
    rb"(?i)(?:token|secret|session)s?[\w.-]{0,30}?[_.-]?(?:type|counts?|name|expir\w*|ttl|length"
    rb"|limit|policy|path|file|usage|used|uri|endpoint)[\"'\\]{0,2}\s{0,3}[=:]\s{0,3}[\"'\\]{0,3}$"
    rb"|tokens[\"'\\]{0,2}\s{0,3}[=:]\s{0,3}$"
)
"""`token_type`, `secretName`, `total_tokens`: about a secret, not one."""

_HARMLESS: Final = frozenset(
    b"true false null none nil undefined missing required not invalid expired empty unset set "
    b"yes no ok <nil> *** ****** xxx xxxx [redacted] redacted <redacted> [masked] (none)".split()
)

KEY_BEGINS: Final = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
KEY_ENDS: Final = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

_PROVIDERS: Final = {
    "Slack token": r"xox[abceoprs](?:\.xox[bp])?-[\w-]{8,}|xapp-[\w-]{8,}|xwfp-[\w-]{8,}",
    "GitHub token": r"gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}",
    "GitLab token": r"gl(?:pat|dt|ft|rt|soat|cbt|ptt|agent|oas|imt)-[\w-]{16,}",
    "AWS key id": r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}",
    "Google API key": r"AIza[\w-]{30,}",
    "Google OAuth": r"GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}|\b1//0[\w-]{30,}",
    "Stripe": r"\b[sr]k_(?:live|test)_\w{10,}|\bwhsec_[\w+/=]{16,}",
    "OpenAI or Anthropic": r"\bsk-[A-Za-z0-9][\w-]{18,}",
    "Supabase": r"\bsb[ps]_[A-Za-z0-9_]{20,}|\bsb_(?:secret|publishable)_\w{16,}",
    "npm token": r"\bnpm_[A-Za-z0-9]{30,}",
    "SendGrid": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "Docker token": r"\bdckr_(?:pat|oat)_[\w-]{20,}",
    "JSON Web Token": r"\beyJ[\w-]{8,}={0,2}\.[\w-]{8,}={0,2}(?:\.[\w-]*)?",
    "Azure signature": r"(?i:[?&]sig=)[\w%+/=-]{20,}",
    "Azure client secret": r"\b[\w-]{3}[78]Q~[\w.~-]{31,34}",
    "DigitalOcean": r"\bdo[oprt]_v1_[a-f0-9]{32,}",
    "Heroku": r"\bHRKU-[\w-]{30,}",
    "Hugging Face": r"\bhf_[A-Za-z0-9]{30,}|\bapi_org_[A-Za-z0-9]{30,}",
    "Vault": r"\bhv[sbr]\.[\w-]{20,}",
    "Terraform Cloud": r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}",
    "New Relic": r"\bNR(?:AK|JS|II|RA)-[A-Za-z0-9]{16,}",
    "Grafana": r"\bgl(?:sa|c)_[\w+/=-]{20,}",
    "Sentry": r"\bsntry[su]_[\w+/=-]{20,}",
    "Linear": r"\blin_(?:api|oauth)_\w{20,}",
    "Notion": r"\bntn_\w{30,}|\bsecret_[A-Za-z0-9]{40,}",
    "Figma": r"\bfigd_[\w-]{20,}",
    "Shopify": r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}",
    "Square": r"\bsq0(?:atp|csp|idp)-[\w-]{20,}",
    "PlanetScale": r"\bpscale_(?:tkn|pw|oauth)_[\w.-]{20,}",
    "Postman": r"\bPMAK-[a-f0-9]{20,}-[a-f0-9]{20,}",
    "RubyGems": r"\brubygems_[a-f0-9]{30,}",
    "PyPI": r"\bpypi-[\w-]{50,}",
    "Mailgun": r"\bkey-[a-f0-9]{32}\b",
    "Doppler": r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}",
    "age": r"\bAGE-SECRET-KEY-1[A-Z0-9]{40,}",
    "Databricks": r"\bdapi[a-f0-9]{32}\b",
    "Atlassian": r"\bATATT3x[\w=-]{40,}|\bATBB[A-Za-z0-9]{20,}",
    "Discord webhook": r"discord(?:app)?\.com/api/webhooks/\d{10,}/[\w-]{40,}",
    "Teams webhook": r"webhook\.office\.com/webhookb2/[\w@/-]{40,}",
    "Slack webhook": r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}",
    "Artifactory": r"\bAKC[A-Za-z0-9]{10,}",
    "Airtable": r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
    "Pulumi": r"\bpul-[a-f0-9]{40}",
    "Fastly or Fly": r"\bFlyV1 [\w+/=,-]{30,}|\bfo1_[\w-]{30,}",
    "Buildkite": r"\bbk(?:ua|aj|at)_[a-f0-9]{30,}",
    "Dynatrace": r"\bdt0[a-z]\d{2}\.[A-Z0-9]{20,}\.[A-Z0-9]{50,}",
}


def kinds() -> tuple[SecretKind, ...]:
    """In the order in which they are applied: what has a form of its own before what is only named
    so. Imports the library."""
    own = [SecretKind(name, pattern, _whole) for name, pattern in _PROVIDERS.items()]
    return (_PRIVATE_KEY, *own, *_of_library(), *_NAMED, _assigned_kind())


def _of_library() -> Iterator[SecretKind]:
    for name in _PLUGINS:
        with LOADING:
            module = importlib.import_module(f"detect_secrets.plugins.{name}")
        for detector in vars(module).values():
            if isinstance(detector, type) and detector.__module__ == module.__name__:
                for pattern in getattr(detector, "denylist", ()):
                    yield SecretKind(name, _as_re2(pattern), _within)


def _as_re2(pattern: re.Pattern[str]) -> str:
    """The same as RE2 takes it: it matches at least what the pattern does."""
    wider = _LONG_REPEAT.sub(r"{\1,}", _LOOK_AROUND.sub("", pattern.pattern))
    flags = "i" if pattern.flags & re.IGNORECASE else ""
    return f"(?{flags}:{wider})"


def _whole(_: Any) -> bytes:
    return MASK


def _within(found: Any) -> bytes:
    """The match without the blanks, quotes and signs around it that some patterns look for."""
    text: bytes = found.group()
    core = text.strip(b" \t\r\n=:,;\"'()")
    before = text[: text.find(core)] if core else b""
    return before + MASK + text[len(before) + len(core) :]


_PRIVATE_KEY = SecretKind("private key", rf"(?s:{KEY_BEGINS}.*?(?:{KEY_ENDS}|\z))", _whole)


def _userinfo(found: Any) -> bytes:
    head: bytes = found.group(1)
    return head + MASK + b"@"


def _header(found: Any) -> bytes:
    """ "Bearer token required" is a sentence: what is secret has a digit or a padding in it, or
    both cases, or is long."""
    head, value = found.group(1), found.group(2)
    words = value.isalpha() and (value.islower() or value.istitle()) and len(value) < 24
    if words or (not any(c in b"0123456789=" for c in value) and len(value) < 16):
        return bytes(found.group())
    return bytes(head + MASK)


def _cookie(found: Any) -> bytes:
    head: bytes = found.group(1)
    return head + MASK


def _element(found: Any) -> bytes:
    opening, value = found.group(1), found.group(2)
    return bytes(found.group()) if value.lower() in _HARMLESS else opening + MASK + b"<"


def _assigned(found: Any) -> bytes:
    head, value = found.group(1), found.group(2)
    quote = value[:1] if value[:1] in (b'"', b"'") else b""
    bare = value.strip(b"\"'\\")
    if bare.lower().strip(b".!,)") in _HARMLESS or bare == MASK or len(bare) < 3:
        return bytes(found.group())
    if head.rstrip().endswith(b":") and bare.startswith(b"//"):
        return bytes(found.group())  # a scheme, not an assignment
    if _OF_NO_SECRET.search(head) and not (len(bare) > 30 and b"/" not in bare):
        return bytes(found.group())
    closed = len(value) > 1 and quote and value.endswith(quote)
    return bytes(head + quote + MASK + (quote if closed else b""))


_NAMED: Final = (
    SecretKind(
        "password in a URL",
        r"(\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://)[^\s/@:]{0,200}:[^\s/@]{1,400}@",
        _userinfo,
    ),
    SecretKind(
        "bearer or basic header",
        r"((?i:\b(?:bearer|basic|token|apikey))(?:\s|%20|\\t){1,5})([\w.~+/=-]{8,})",
        _header,
    ),
    SecretKind(
        "cookie",
        r"((?i:\b(?:set-)?cookie[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}[\"'\\]{0,3}))[^\s\"][^\r\n\"]*",
        _cookie,
    ),
    SecretKind(
        "element",
        r"(<[\w.:-]{0,40}(?i:password|passwd|secret|token|apikey)[\w.:-]{0,20}>)([^<\s]{3,500})<",
        _element,
    ),
)

_VALUE: Final = r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[^\s\"';}&]{3,}"


def _assigned_kind() -> SecretKind:
    """`DB_PASSWORD=…`, `"client_secret": "…"`, `--token …`, and the same within escaped JSON."""
    keyword = importlib.import_module("detect_secrets.plugins.keyword")
    names = "|".join(dict.fromkeys((*keyword.DENYLIST, "[_-]pass", *_WORDS)))
    signs = r"[\"'\\\]]{0,3}\s{0,3}(?:=>?|:=?)\s{0,3}\\?"
    flag = r"--(?:[a-z]{1,20}-){0,3}(?:password|token|secret|api-?key)\s"
    pattern = rf"((?i:(?:{names})[\w.-]{{0,40}}{signs}|{flag}))({_VALUE})"
    return SecretKind("assignment", pattern, _assigned)
