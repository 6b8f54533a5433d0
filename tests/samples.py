"""The sample `dynamo.yml` as a file of one's own, with another word here and there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bot.sandbox.launcher import CONFIG

Edit = Callable[[dict[str, Any]], None]


def sample(home: Path, edit: Edit = lambda _: None, *, window: str = "") -> Path:
    """A `dynamo.yml` in `home` with what `edit` does to it; manifests stay those of the sample.
    `window` is the stability window of every environment, "" for the sample's own."""
    content = yaml.safe_load(CONFIG.read_text())
    for environment in content["environments"]:
        if window:
            environment["stability_window"] = window
    for name, service in content["services"].items():
        service["manifests"] = str(CONFIG.parent / "k8s" / name)
    edit(content)
    path = home / "dynamo.yml"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path


def in_qa(**changes: object) -> Edit:
    """Other keys of the environment `qa`."""

    def edit(content: dict[str, Any]) -> None:
        for environment in content["environments"]:
            if environment["name"] == "qa":
                environment.update(changes)

    return edit
