"""The Deployment as it is sent: the service's manifest with the image pinned by digest.

A deploy never changes how many pods run: where the Deployment exists its present number is sent
back (sending none would make the server fall to its default of 1 once Dynamo owned the field);
`dynamo.yml` says the number of a first deploy alone. Where an autoscaler owns it, the cluster
adapter leaves it out altogether.
"""

import copy
from typing import Any

from bot.domain.image import Image
from bot.domain.snapshot import VERSION
from bot.ports import Manifest
from bot.workflows.edges import Place
from config.manifests import load_manifests


def render_deployment(
    place: Place, image: Image, version: str, *, replicas: int | None = None
) -> Manifest:
    """Raises `config.manifests.ManifestError` where the files are missing or unsound."""
    deployment = copy.deepcopy(load_manifests(place.service, place.environment).deployment)
    _annotate(deployment, version)
    spec = deployment["spec"]
    _annotate(spec["template"], version)
    if replicas is not None:
        spec["replicas"] = replicas
    for container in spec["template"]["spec"]["containers"]:
        if container["name"] == place.service.container:
            container["image"] = image.pinned
    return deployment


def _annotate(thing: dict[str, Any], version: str) -> None:
    metadata = thing.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), VERSION: version}
