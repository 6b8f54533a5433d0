"""Secrets of every kind, made up at run time, and logs without any: what redaction is held to.

No secret stands in this file: each is put together from a prefix and dice, so that no scanner trips
over the tests of a scanner. `secrets` gives lines with the very words that must not be seen in
them; `ordinary` gives lines that services write all day.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
WORDLIKE = ALNUM + "_-"


@dataclass(frozen=True, slots=True)
class Planted:
    """`text` holds `secret`, of which no run of eight characters may be left."""

    kind: str
    text: str
    secret: str


Dice = Callable[[str, int], str]


def tokens(dice: Dice) -> dict[str, str]:
    """Secrets that are told by their own form, wherever they stand."""
    return {
        "slack bot": "xo" + "xb-" + dice("0123456789", 12) + "-" + dice(ALNUM, 24),
        "slack app": "xa" + "pp-1-" + dice(UPPER, 11) + "-" + dice(HEX, 64),
        "slack webhook": "https://hooks.slack." + "com/services/T" + dice(UPPER, 8) + "/B"
        + dice(UPPER, 8) + "/" + dice(ALNUM, 24),
        "github classic": "gh" + "p_" + dice(ALNUM, 36),
        "github app": "gh" + "s_" + dice(ALNUM, 36),
        "github fine-grained": "github" + "_pat_" + dice(ALNUM, 22) + "_" + dice(ALNUM, 59),
        "gitlab": "gl" + "pat-" + dice(WORDLIKE, 20),
        "gitlab runner": "GR" + "1348941" + dice(ALNUM, 20),
        "aws key id": "AK" + "IA" + dice(UPPER, 16),
        "aws session key id": "AS" + "IA" + dice(UPPER, 16),
        "google api key": "AI" + "za" + dice(WORDLIKE, 35),
        "google oauth secret": "GOC" + "SPX-" + dice(ALNUM, 28),
        "google access token": "ya" + "29." + dice(WORDLIKE, 60),
        "azure storage": "Account" + "Key=" + dice(ALNUM, 86) + "==",
        "azure signature": "https://x.blob.core.windows.net/a?sv=2024&si" + "g=" + dice(ALNUM, 43)
        + "%3D",
        "azure client secret": dice(ALNUM, 3) + "8Q" + "~" + dice(ALNUM, 34),
        "stripe live": "sk" + "_live_" + dice(ALNUM, 24),
        "stripe restricted": "rk" + "_live_" + dice(ALNUM, 24),
        "stripe webhook": "wh" + "sec_" + dice(ALNUM, 32),
        "twilio account": "A" + "C" + dice(HEX, 32),
        "twilio key": "S" + "K" + dice(HEX, 32),
        "sendgrid": "S" + "G." + dice(WORDLIKE, 22) + "." + dice(WORDLIKE, 43),
        "mailgun": "ke" + "y-" + dice(HEX, 32),
        "mailchimp": dice(HEX, 32) + "-u" + "s12",
        "npm": "np" + "m_" + dice(ALNUM, 36),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + dice(WORDLIKE, 80),
        "rubygems": "ruby" + "gems_" + dice(HEX, 48),
        "docker hub": "dck" + "r_pat_" + dice(WORDLIKE, 27),
        "digitalocean": "do" + "p_v1_" + dice(HEX, 64),
        "heroku": "HR" + "KU-" + dice(HEX, 8) + "-" + dice(HEX, 4) + "-4" + dice(HEX, 3) + "-a"
        + dice(HEX, 3) + "-" + dice(HEX, 12),
        "supabase": "sb" + "p_" + dice(HEX, 40),
        "openai": "s" + "k-proj-" + dice(WORDLIKE, 48),
        "openai legacy": "s" + "k-" + dice(ALNUM, 20) + "T3Blbk" + "FJ" + dice(ALNUM, 20),
        "anthropic": "s" + "k-ant-api03-" + dice(WORDLIKE, 93),
        "hugging face": "h" + "f_" + dice(ALNUM, 34),
        "vault": "hv" + "s." + dice(WORDLIKE, 90),
        "terraform cloud": dice(ALNUM, 14) + ".atlas" + "v1." + dice(WORDLIKE, 60),
        "new relic": "NR" + "AK-" + dice(UPPER, 27),
        "grafana": "gl" + "sa_" + dice(ALNUM, 32) + "_" + dice(HEX, 8),
        "sentry": "sn" + "trys_" + dice(ALNUM, 60),
        "linear": "li" + "n_api_" + dice(ALNUM, 40),
        "notion": "nt" + "n_" + dice(ALNUM, 46),
        "figma": "fi" + "gd_" + dice(WORDLIKE, 40),
        "shopify": "sh" + "pat_" + dice(HEX, 32),
        "square": "sq" + "0csp-" + dice(WORDLIKE, 43),
        "planetscale": "pscale" + "_tkn_" + dice(WORDLIKE, 43),
        "postman": "PM" + "AK-" + dice(HEX, 24) + "-" + dice(HEX, 34),
        "doppler": "d" + "p.pt." + dice(ALNUM, 43),
        "age": "AGE-SEC" + "RET-KEY-1" + dice(UPPER, 58),
        "databricks": "da" + "pi" + dice(HEX, 32),
        "atlassian": "AT" + "ATT3x" + dice(WORDLIKE, 80),
        "airtable": "pa" + "t" + dice(ALNUM, 14) + "." + dice(HEX, 64),
        "artifactory": "AK" + "C" + dice(ALNUM, 24),
        "telegram": "12" + dice("0123456789", 8) + ":" + "AA" + dice(WORDLIKE, 33),
        "discord bot": "M" + dice(ALNUM, 23) + "." + dice(ALNUM, 6) + "." + dice(ALNUM, 27),
        "discord webhook": "https://discord" + ".com/api/webhooks/" + dice("123456789", 18) + "/"
        + dice(WORDLIKE, 68),
        "json web token": jwt(dice),
    }  # fmt: skip


def jwt(dice: Dice) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = part({"alg": "HS256", "typ": "JWT"})
    return f"{head}.{part({'sub': dice('0123456789', 8), 'role': 'service'})}.{dice(WORDLIKE, 43)}"


def named(dice: Dice) -> Iterator[Planted]:
    """Secrets that are told by what stands before them."""
    for kind, text in {
        "bearer header": "Authorization: Bearer {}",
        "basic header": "authorization: basic {}=",
        "header in json": '{{"headers":{{"authorization":"Bearer {}"}}}}',
        "x-api-key header": "x-api-key: {}",
        "cookie": "Cookie: session={}; theme=dark",
        "set-cookie": "set-cookie: sid={}; HttpOnly",
        "password in a url": "connect postgres://app:{}@db.internal:5432/tasks failed",
        "redis url": "REDIS_URL=redis://:{}@cache:6379/0",
        "amqp url": "amqps://svc:{}@mq.internal/vhost",
        "environment": "DB_PASSWORD={} NODE_ENV=production",
        "logfmt": 'level=info msg="connected" password={} pool=10',
        "quoted assignment": 'password="{}"',
        "single quotes": "client_secret='{}'",
        "json": '{{"level":"info","client_secret":"{}"}}',
        "json in json": '{{"body":"{{\\"password\\":\\"{}\\"}}"}}',
        "yaml": "api_key: {}",
        "go struct": "Config{{Host:db Password:{} Port:5432}}",
        "python dict": "{{'user': 'app', 'password': '{}'}}",
        "ruby hash": ':secret => "{}"',
        "query string": "GET /callback?state=1&access_token={}&scope=a",
        "form": "grant_type=password&username=a&password={}",
        "connection string": "Server=db;User Id=sa;Password={};Encrypt=yes",
        "flag": "exec: tool --password {} --verbose",
        "xml": "<auth><password>{}</password></auth>",
        "aws secret": 'aws_secret_access_key = "{}"',
        "spanish": "contraseña: {}",
        "camel case": '{{"accessToken":"{}","expiresIn":3600}}',
        "constant": "SUPABASE_SERVICE_ROLE_KEY={}",
        "session id": "sessionId={} user=7",
    }.items():
        secret = dice(ALNUM, 20) + "7"
        yield Planted(kind, text.format(secret), secret)
    phrase = " ".join(dice(string.ascii_lowercase, 9) for _ in range(3))
    yield Planted("phrase with blanks", f'password="{phrase}" user=app', phrase)


def private_key(dice: Dice, name: str = "RSA ") -> list[str]:
    body = [dice(ALNUM + "+/", 64) for _ in range(8)] + [dice(ALNUM + "+/", 30) + "=="]
    dashes = "-" * 5
    return [
        f"{dashes}BEGIN {name}PRIVATE" + f" KEY{dashes}",
        *body,
        f"{dashes}END {name}PRIVATE" + f" KEY{dashes}",
    ]


SENTENCES = (
    "request failed with {}",
    '{{"level":"error","msg":"upstream said no","detail":"{}"}}',
    'level=warn msg="retrying" credential_hint={} attempt=2',
    "{}",
    "({})",
)


def secrets(seed: int = 7) -> list[Planted]:
    """At least one line for each kind, those of a form of their own in every surrounding."""
    random_ = random.Random(seed)

    def dice(letters: str, number: int) -> str:
        """Beginning with a letter and never with all letters alike, as real ones are."""
        return "".join(random_.choice(letters) for _ in range(number))

    found = list(named(dice))
    for sentence in SENTENCES:
        for kind, secret in tokens(dice).items():
            # Of an address, what is secret is its end.
            core = secret[-20:] if secret.startswith("https://") else secret
            found.append(Planted(kind, sentence.format(secret), core))
    for name in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "):
        lines = private_key(dice, name)
        found.append(Planted(f"{name}private key", "key \\n".join(lines), lines[3]))
    return found


def ordinary(size: int = 1_000_000, seed: int = 11) -> list[str]:
    """Lines of services, proxies, databases and runtimes, of about so many characters in all."""
    dice = random.Random(seed)

    def some(letters: str, number: int) -> str:
        return "".join(dice.choice(letters) for _ in range(number))

    def uuid() -> str:
        return "-".join(some(HEX, n) for n in (8, 4, 4, 4, 12))

    lines: list[str] = []
    written = 0
    while written < size:
        line = dice.choice(_ORDINARY)
        values = {
            "n": dice.randrange(100_000),
            "m": dice.randrange(900),
            "ms": dice.randrange(1, 4_000),
            "port": dice.choice((3000, 5432, 8080, 6379)),
            "uuid": uuid(),
            "hex": some(HEX, 32),
            "short": some(HEX, 12),
            "sha": some(HEX, 64),
            "trace": some(HEX, 32),
            "b64": some(ALNUM + "+/", 44),
            "user": dice.choice(("ana", "ben", "carla", "elena")) + some("0123456789", 2),
            "pod": "tasks-service-" + some("bcdf456789", 10) + "-" + some("bcdfghx2456", 5),
            "ip": ".".join(str(dice.randrange(1, 255)) for _ in range(4)),
            "path": dice.choice(("/tasks", "/projects/88/members", "/forms/31/answers", "/v1/me")),
            "at": "2026-11-24T"
            f"{dice.randrange(24):02}:{dice.randrange(60):02}:07.{some(HEX[:10], 3)}Z",
            "version": f"{dice.randrange(4)}.{dice.randrange(20)}.{dice.randrange(9)}",
        }  # fmt: skip
        text = line.format(**values)
        lines.append(text)
        written += len(text) + 1
    return lines


_ORDINARY = (
    '{at} level=info msg="request" method=GET path={path}/{n} status=200 ms={ms} id={short}',
    '{{"time":"{at}","level":"info","msg":"request handled","path":"{path}","status":201,'
    '"ms":{ms},"trace_id":"{trace}","user":"{uuid}"}}',
    '{{"level":"debug","msg":"cache miss","key":"tasks:{n}:v{m}","ttl":300}}',
    '{{"level":30,"time":17640000{n},"pid":1,"hostname":"{pod}","msg":"listening on {port}"}}',
    '{ip} - - [24/Nov/2026:05:{m}:07 +0000] "GET {path}?page={m}&sort=name HTTP/1.1" 200 {n} '
    '"https://app.yourapp.com/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"',
    "{at} [INFO] pulled image registry.yourapp.com/dynamo/tasks-service@sha256:{sha}",
    "commit {sha} by {user}: fixes #{m}",
    "{at} DEBUG [main] o.s.web.servlet.DispatcherServlet - Completed 200 OK in {ms}ms",
    "I1124 05:00:00.{n}       1 controller.go:{m}] synced {pod} in {ms}ms",
    "LOG:  checkpoint complete: wrote {m} buffers ({m}.2%); 0 WAL file(s) added; write={m}.0 s",
    "    at Object.handle (/app/node_modules/express/lib/router/layer.js:{m}:5)",
    "        at com.yourapp.tasks.TaskController.list(TaskController.java:{m})",
    "TypeError: Cannot read properties of undefined (reading 'id')",
    'level=warn msg="slow query" ms={ms} sql="SELECT id FROM tasks WHERE project = $1" rows={m}',
    "token refreshed for user {uuid}, expires in {m} seconds",
    "invalid token received from {ip}, basic authentication required",
    "password is required",
    "authentication failed: wrong password for user {user}",
    'level=info msg="tokens counted" prompt_tokens={n} completion_tokens={m} total_tokens={n}',
    '{{"msg":"login","token_type":"Bearer","expires_in":{n},"secretName":"tasks-db","user":"{user}"}}',
    "secret tasks-service-tls mounted at /var/run/secrets/kubernetes.io/serviceaccount",
    "Bearer authentication enabled, issuer https://auth.yourapp.com/realms/main",
    "GET https://api.yourapp.com{path}?cursor={short}&limit=50 -> 200 in {ms} ms",
    "connected to postgres://db.internal:{port}/tasks pool=10",
    "event {uuid} published to topic tasks.created partition={m} offset={n}",
    "etag W/\"{b64}\" for {path}/{n}",
    "md5={hex} size={n} file=/data/export-{m}.csv",
    "user {user} logged in from {ip} with session age {m}s",
    "Tick {n} version={version} build={short}",
    "npm info lifecycle tasks-service@{version}~start: tasks-service@{version}",
    "tasks-service {version} listening on http://0.0.0.0:{port}",
    "Readiness probe succeeded for {pod} ({ip}:{port})",
    "migration 2026{m}_add_api_key_table applied in {ms}ms",
    "GC pause (G1 Evacuation Pause) {m}M->{m}M(512M) {ms}.1ms",
    "la contraseña es obligatoria para {user}",
)  # fmt: skip
