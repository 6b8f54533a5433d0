"""`dynamo run | sandbox | check | do | replay | audit`: the command line.

Each command imports what it needs when it runs: `replay` reads no Slack library, `--help` none at
all. Exit codes: 0 done, 1 it could not be done (told in one sentence), 2 wrong arguments.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dynamo", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve a Slack workspace (settings: docs/operations.md)")
    run.set_defaults(command=_run)

    sandbox = commands.add_parser("sandbox", help="an offline world on one port, in the browser")
    sandbox.add_argument("--port", type=_port, default=8765, help="default 8765; 0: a free one")
    sandbox.add_argument("--speed", type=_speed, default=1.0, help="10: ten times faster")
    sandbox.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep everything there, and go on from it"
    )
    sandbox.add_argument(
        "--no-bot", action="store_true", help="the world alone, and settings for a bot elsewhere"
    )
    sandbox.add_argument(
        "--manifest", type=Path, metavar="FILE", help="another app's manifest.yml, with --no-bot"
    )
    sandbox.add_argument("--kube-context", metavar="NAME", help="a real cluster of the kubeconfig")
    sandbox.add_argument(
        "--registry",
        default="localhost:5000/dynamo",
        help="where that cluster's images are: host and prefix (default localhost:5000/dynamo)",
    )
    sandbox.set_defaults(command=_sandbox)

    check = commands.add_parser("check", help="examine settings, tokens, rights; name what to mend")
    check.set_defaults(command=_check)

    replay = commands.add_parser("replay", help="judge a recorded rollout, a line per verdict")
    replay.add_argument("file", type=Path, metavar="FILE.jsonl")
    replay.set_defaults(command=_replay)

    do = commands.add_parser("do", help="a line to a running Dynamo (DYNAMO_URL, DYNAMO_TOKEN)")
    do.add_argument("line", nargs="+", metavar="LINE", help='as in Slack: "status qa"')
    do.add_argument("--json", action="store_true", help="a JSON object per line")
    do.add_argument("--timeout", type=_wait, default=3600.0, metavar="SECONDS", help="default 3600")
    do.add_argument("--yes", action="store_true", help="confirm what the line asks before it acts")
    do.add_argument("--no-follow", action="store_true", help="begin it, do not wait for its end")
    do.add_argument("--language", choices=("en", "es"), help="default: as LANG says")
    do.set_defaults(command=_do)

    audit = commands.add_parser("audit", help="the audit log: is it whole, and what is in it")
    does = audit.add_subparsers(required=True, metavar="COMMAND")
    for name, run_it, helps in (
        ("verify", _audit_verify, "walk its chain; name what was edited, removed or reordered"),
        ("export", _audit_export, "all records as JSON lines"),
    ):
        one = does.add_parser(name, help=helps)
        one.add_argument("--database", type=Path, metavar="FILE", help="default: DYNAMO_DATABASE")
        one.set_defaults(command=run_it)
        if name == "verify":
            one.add_argument(
                "--expect",
                action="append",
                default=[],
                metavar="COUNT:HASH",
                help="a head that was noted earlier, elsewhere",
            )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 1000:
        raise argparse.ArgumentTypeError("a speed is a number above 0, at most 1000")
    return speed


def _wait(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("seconds are above 0 and at most 86400, a day")
    return seconds


def _do(arguments: argparse.Namespace) -> int:
    from bot.do import main as do
    from bot.domain.outcome import TerminalLine

    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    line = TerminalLine(
        " ".join(arguments.line),
        language=arguments.language or ("es" if spoken.startswith("es") else "en"),
        seconds=arguments.timeout,
        follows=not arguments.no_follow,
        yes=arguments.yes,
        as_json=arguments.json,
    )
    return do(line)


def _run(_: argparse.Namespace) -> int:
    from bot.app import Dynamo
    from bot.errors import PortError
    from config.catalog import CatalogError
    from config.settings import Settings, SettingsError

    _log_to_stderr()

    async def serve() -> None:
        settings = Settings.from_environment()
        for secret in (
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
            "SLACK_SIGNING_SECRET",
            "DYNAMO_DATABASE",
            "GITHUB_TOKEN",
        ):
            os.environ.pop(secret, None)  # read once; no library and no child finds them there
        dynamo = await Dynamo.start(settings)
        displaced = asyncio.create_task(dynamo.displaced.wait())
        told = asyncio.create_task(_until_told_to_stop())
        await asyncio.wait({displaced, told}, return_when=asyncio.FIRST_COMPLETED)
        if displaced.done():
            # Nothing can be written any more, and the other one does all that is left: no stop
            # could do more than a kill, which Dynamo survives.
            _say("store: CONFLICT: another Dynamo works on this database now, so this one ends.")
            os._exit(1)
        displaced.cancel()
        await dynamo.stop()

    try:
        asyncio.run(serve())
    except (SettingsError, CatalogError) as mistakes:
        return _say(str(mistakes))
    except PortError as error:
        message = error.values.get("message", "")
        return _say(f"{error.port}: {error.trouble}: {message}. `dynamo check` tells more.")
    return 0


def _sandbox(arguments: argparse.Namespace) -> int:
    from bot.errors import PortError
    from bot.sandbox import NoClusterError
    from bot.sandbox.keeping import InUseError
    from bot.sandbox.launcher import Options, launch
    from bot.sandbox.slack.manifest import ManifestError
    from config.catalog import CatalogError

    if arguments.manifest is not None and not arguments.no_bot:
        return _say("--manifest is another app's: give --no-bot, too")
    _log_to_stderr()
    options = Options(
        port=arguments.port,
        speed=arguments.speed,
        keep=arguments.keep,
        whole=arguments.keep is not None,
        kube_context=arguments.kube_context,
        kubeconfig=os.environ.get("KUBECONFIG", ""),
        registry=arguments.registry,
        bot=not arguments.no_bot,
        manifest=arguments.manifest,
    )

    async def serve() -> None:
        async with launch(options) as sandbox:
            sys.stdout.write(sandbox.greeting)
            sys.stdout.flush()
            await _until_told_to_stop()

    try:
        asyncio.run(serve())
    except (CatalogError, ManifestError) as mistakes:
        return _say(str(mistakes))
    except PortError as error:
        return _say(f"{error.port}: {error.values.get('message', error.trouble)}")
    except (NoClusterError, InUseError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"port {arguments.port}: {error.strerror}. Try: make sandbox PORT=0")
    return 0


def _check(_: argparse.Namespace) -> int:
    from bot.check import main as check

    return check()


def _replay(arguments: argparse.Namespace) -> int:
    from bot.replay import main as replay

    return replay(arguments.file)


def _audit_verify(arguments: argparse.Namespace) -> int:
    from bot.audit_log import verify

    return verify(arguments.database, arguments.expect)


def _audit_export(arguments: argparse.Namespace) -> int:
    from bot.audit_log import export

    return export(arguments.database)


def keep_for_good() -> None:
    """What a start has made stays as long as the process. Each full collection would walk through
    it (130,000 objects, 80 ms in which the event loop does nothing else) and find nothing."""
    gc.collect()
    gc.freeze()


async def _until_told_to_stop() -> None:
    keep_for_good()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _log_to_stderr() -> None:
    # Never DEBUG: Slack's libraries would print users' words and the tickets of connections.
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("slack_bolt", "slack_sdk", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _say(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
