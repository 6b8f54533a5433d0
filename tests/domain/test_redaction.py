"""What looks like a secret never leaves the process; what does not is left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redaction import MASK, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJlLWhlcmU"

SECRETS = [
    ("slack", "token xoxb-123456789012-abcdefghijkl here", "xoxb-123456789012-abcdefghijkl"),
    ("github", "remote: ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrs"),
    ("aws", "using AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("jwt", f"apikey {JWT}", JWT),
    ("bearer", "Authorization: Bearer abcDEF123456.789", "abcDEF123456.789"),
    ("basic", "authorization: basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("url", "postgres://app:s3cr3t@db.internal:5432/tasks", "s3cr3t"),
    ("password", 'password="hunter2hunter2"', "hunter2hunter2"),
    ("environment", "DB_PASSWORD=hunter2hunter2 NODE_ENV=production", "hunter2hunter2"),
    ("json", '{"client_secret": "abc123def456"}', "abc123def456"),
    ("supabase", "SUPABASE_SERVICE_ROLE_KEY=sbs_live_12345", "sbs_live_12345"),
    ("private key", "-----BEGIN RSA PRIVATE KEY-----MIIEow", "MIIEow"),
    ("colour", "password=\x1b[31mhunter2\x1b[0mhunter2", "hunter2"),
    ("colour inside", "AKIAIOSF\x1b[1mODNN7EXAMPLE", "ODNN7EXAMPLE"),
]

ORDINARY = [
    "Error: DATABASE_URL is not set",
    "GET /api/tasks?page=2 200 13ms",
    "password is required",
    "token: missing",
    "invalid token received, basic authentication required",
    "Listening on http://localhost:3000",
    "image registry.yourapp.com/dynamo/tasks-service@sha256:" + "ab" * 32,
    '2026-11-24T12:00:00Z level=info msg="tick 4" version=1.4.0',
    "Back-off restarting failed container app in pod tasks-service-5d8f-x2k9p",
]


@pytest.mark.parametrize(("text", "secret"), [s[1:] for s in SECRETS], ids=[s[0] for s in SECRETS])
def test_a_secret_is_masked(text, secret):
    shown = redact(text)
    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(text):
    assert redact(text) == text


def test_what_surrounds_a_secret_can_still_be_read():
    shown = redact("connect postgres://app:s3cr3t@db.internal:5432/tasks failed: timeout")
    assert shown == f"connect postgres://{MASK}@db.internal:5432/tasks failed: timeout"


@given(st.text(max_size=500))
def test_any_text_can_be_redacted_and_twice_is_the_same_as_once(text):
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("text", ["a" * 1_000_000, "password" * 100_000, "://x:" * 200_000])
def test_a_line_of_a_megabyte_takes_no_longer_than_its_length(text):
    started = time.perf_counter()
    redact(text)
    assert time.perf_counter() - started < 5
