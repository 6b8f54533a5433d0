"""HTTP mode: requests to the app's request URL, signed as Slack signs them (v0 HMAC-SHA256).

The timestamp of a signature is real time, not the workspace's virtual time: the app compares it
with its own clock, and refuses what is older than five minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.clock import Clock
from bot.sandbox.slack import limits
from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.socket_mode import Answer
from bot.sandbox.slack.transcript import Transcript
from bot.sandbox.slack.waiting import Tasks, within

_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Slack-Signature`: over the raw bytes of the body."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


@dataclass(slots=True)
class SignedHttp:
    clock: Clock
    transcript: Transcript
    tasks: Tasks
    signing_secret: str
    _session: aiohttp.ClientSession | None = None

    async def send(
        self, url: str, kind: str, payload: JSON, *, retry: JSON | None = None
    ) -> Answer:
        """POST a command (form), an interaction (`payload=`) or an event (JSON); wait three
        seconds.
        """
        if kind == "slash_commands":
            body, content_type = urlencode(payload).encode(), _FORM
        elif kind == "interactive":
            body, content_type = urlencode({"payload": json.dumps(payload)}).encode(), _FORM
        else:
            body, content_type = json.dumps(payload).encode(), "application/json"
        headers = {"Content-Type": content_type}
        if retry:
            headers["X-Slack-Retry-Num"] = str(retry["retry_attempt"])
            headers["X-Slack-Retry-Reason"] = str(retry["retry_reason"])
        answer, status = await self._exchange(url, body, headers)
        self.transcript.add(
            "to_app", "http", kind, request=payload, response=answer.payload, status=status
        )
        return answer

    async def challenge(self, url: str, token: str) -> bool:
        """Whether the URL answers `url_verification`, as Slack asks before it accepts a URL."""
        challenge = hashlib.sha256(f"{token}{time.time()}".encode()).hexdigest()
        body = {"type": "url_verification", "token": token, "challenge": challenge}
        answer = await self.send(url, "url_verification", body)
        found = answer.payload
        if isinstance(found, dict):
            found = found.get("challenge")
        return answer.ok and found == challenge

    async def _exchange(
        self, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[Answer, int | str]:
        timestamp = str(int(time.time()))
        headers = {
            **headers,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.signing_secret, timestamp, body),
        }
        call = self.tasks.start(self._post(url, body, headers))
        try:
            return await within(self.clock, limits.ACK_SECONDS, call)
        except TimeoutError:
            call.cancel()
            return Answer(error="operation_timeout", reason="http_timeout"), "timeout"
        except aiohttp.ClientSSLError:
            return Answer(error="dispatch_failed", reason="ssl_error"), "ssl_error"
        except (aiohttp.ClientError, OSError):
            failed = Answer(error="dispatch_failed", reason="connection_failed")
            return failed, "connection_failed"
        except ValueError:
            return Answer(error="dispatch_failed", reason="http_error"), "invalid_json"

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[Answer, int]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as response:
            text = await response.text()
            content: Any = text or None
            if text and response.content_type == "application/json":
                content = json.loads(text)
            no_retry = response.headers.get("X-Slack-No-Retry") == "1"
            if 200 <= response.status < 300:
                return Answer(content), response.status
            reason = "too_many_redirects" if 300 <= response.status < 400 else "http_error"
            return (
                Answer(content, error="dispatch_failed", reason=reason, final=no_retry),
                response.status,
            )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)
