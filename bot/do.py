"""`dynamo do "status qa"`: a line to a running Dynamo, its answer as text, an exit code that tells.

For CI jobs and for people without Slack. DYNAMO_URL says where it runs and DYNAMO_TOKEN who asks;
the token is sent there and nowhere else: no redirect is followed, and plain http is for this
machine only. English, for operators; the answers are in the language asked for.
"""

import contextlib
import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from typing import IO, Any, Final

from bot.domain.outcome import EXIT, Outcome, TerminalLine
from config.checks import https_url, is_loopback, split_url

_SILENCE: Final = 45  # seconds without a word: the other side speaks every ten
_STATUS: Final = {401: Outcome.NO_RIGHTS, 403: Outcome.NO_RIGHTS, 400: Outcome.USAGE}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None  # the token stays where it was meant for


def main(line: TerminalLine) -> int:
    """Exit codes: docs/commands.md."""
    url, token = os.environ.get("DYNAMO_URL", "").strip(), os.environ.get("DYNAMO_TOKEN", "")
    if not url or not token.strip():
        return _say("Set DYNAMO_URL and DYNAMO_TOKEN first.", Outcome.USAGE)
    try:
        base = https_url(url, "https://dynamo.yourapp.com")
    except ValueError as error:
        return _say(f"DYNAMO_URL {error}", Outcome.USAGE)
    if re.search(r"[^!-~]", token.strip()):
        return _say("DYNAMO_TOKEN holds what no token holds.", Outcome.USAGE)
    body = {"line": line.text, "language": line.language, "seconds": line.seconds}
    body |= {"follow": line.follows, "yes": line.yes, "json": line.as_json}
    request = urllib.request.Request(  # noqa: S310  https_url looked at the scheme
        f"{base}/do",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token.strip()}",
            "Content-Type": "application/json",
        },
    )
    try:
        with _opener(base).open(request, timeout=_SILENCE) as answer:
            return _told(answer, as_json=line.as_json)
    except urllib.error.HTTPError as error:
        with error:
            said = _reason(error)
        outcome = _STATUS.get(error.code, Outcome.UNREACHABLE)
        return _say(f"Dynamo answers {error.code}: {said}", outcome)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return _say(f"Dynamo does not answer at {base}: {reason}", Outcome.UNREACHABLE)


def _opener(base: str) -> urllib.request.OpenerDirector:
    parts = split_url(base)
    here = parts is not None and is_loopback(parts.hostname)
    proxies = [urllib.request.ProxyHandler({})] if here else []
    return urllib.request.build_opener(_NoRedirect, *proxies)


def _told(answer: IO[bytes], *, as_json: bool) -> int:
    """Print each message as it comes; the last one says what it came to."""
    with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
        for raw in answer:
            message = json.loads(raw)
            if as_json:
                _print(raw.decode().rstrip("\n"))
            elif message.get("text"):
                _print(str(message["text"]))
            if message.get("type") == "end":
                return EXIT[Outcome(message["outcome"])]
    lost = "The connection broke off. What was begun goes on; ask again to see it."
    return _say(lost, Outcome.UNREACHABLE)


def _reason(error: urllib.error.HTTPError) -> str:
    if error.code == 404:
        return "nobody may do anything from a terminal there: DYNAMO_TOKENS is not set"
    try:
        return str(json.loads(error.read(10_000))["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _say(message: str, outcome: Outcome) -> int:
    sys.stderr.write(f"{message}\n")
    return EXIT[outcome]
