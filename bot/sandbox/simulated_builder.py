"""A builder for where no Docker Engine is: it goes through the steps and says that it does.

The checkout is real; the command is not run and no file of it comes into an image. What it puts
into the sandbox's registry has the labels of the commit, so that everything after the build (CI,
checklist, promotion) is as it would be. A Dockerfile that cannot be read as one fails as it would.
"""

import hashlib
import re
from pathlib import Path

from bot.domain.build import BuildStep, Cause, Failure
from bot.errors import PortError, Trouble
from bot.ports import Order, Progressing, Report
from bot.sandbox.clock import Clock
from bot.sandbox.registry.store import Registry, RegistryError

_INSTRUCTION = re.compile(r"(?i)(FROM|COPY|ADD|RUN|WORKDIR|USER|ENV|ARG|EXPOSE|CMD|ENTRYPOINT"
                          r"|LABEL|VOLUME|HEALTHCHECK|SHELL|STOPSIGNAL|ONBUILD)\s")  # fmt: skip
_COMMAND, _STEP, _PUSH = 4.0, 1.5, 2.0  # seconds of the sandbox's time
_LONGEST = 20  # instructions that are gone through


class SimulatedBuilder:
    """`bot.ports.Builder` on the sandbox's registry and clock."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def simulated(self) -> bool:
        return True

    async def command(self, order: Order, checkout: Path, report: Report) -> Failure | None:
        report(Progressing(BuildStep.COMMAND, f"$ {order.command}", order.command))
        report(Progressing(BuildStep.COMMAND, "simulated: the command was not run"))
        await self._clock.sleep(_COMMAND)
        return None

    async def image(self, order: Order, checkout: Path, report: Report) -> str | Failure:
        instructions = _instructions(checkout / "Dockerfile")
        if isinstance(instructions, Failure):
            return instructions
        for number, line in enumerate(instructions, start=1):
            words = f"Step {number}/{len(instructions)} : {line}"
            report(Progressing(BuildStep.IMAGE, words, words))
            await self._clock.sleep(_STEP)
        return order.name

    async def push(self, order: Order, image: str, report: Report) -> str | Failure:
        report(Progressing(BuildStep.PUSH, f"The push refers to repository [{image}]"))
        await self._clock.sleep(_PUSH)
        digest = self._push(order)
        report(Progressing(BuildStep.PUSH, f"{order.version}: digest: {digest}"))
        return digest

    async def tidy(self, order: Order, *, pushed: bool) -> None:
        """Nothing was put anywhere but by the push."""

    def _push(self, order: Order) -> str:
        prefix = "org.opencontainers.image"
        labels = {
            f"{prefix}.title": order.service,
            f"{prefix}.version": order.version,
            f"{prefix}.revision": order.commit,
            f"{prefix}.source": order.source,
            f"{prefix}.created": order.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "com.dynamo.builder": "simulated",
        }
        size = 40_000_000 + int(hashlib.sha256(order.commit.encode()).hexdigest()[:5], 16)
        try:
            return self._registry.add_image(
                order.name.partition("/")[2],
                [order.version],
                created=order.created,
                labels=labels,
                env={"NODE_ENV": "production", "APP_VERSION": order.version},
                size=size,
            )
        except RegistryError as error:
            values = {"message": str(error)}
            raise PortError("builder", Trouble.INVALID, temporary=False, values=values) from error


def _instructions(dockerfile: Path) -> list[str] | Failure:
    if dockerfile.is_symlink() or not dockerfile.is_file():
        return Failure(Cause.NO_DOCKERFILE, BuildStep.IMAGE)
    text = dockerfile.read_text(errors="replace").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    unknown = next((line for line in found if not _INSTRUCTION.match(line)), None)
    if unknown is not None or not found:
        message = f"dockerfile parse error: unknown instruction: {(unknown or '').split(' ')[0]}"
        return Failure(Cause.IMAGE, BuildStep.IMAGE, {"message": message})
    return found[:_LONGEST]
