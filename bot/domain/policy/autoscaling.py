"""autoscaling: an autoscaler decides how many pods run, and can.

An autoscaler that has nothing to go by (no request to take a percentage of, no metric, no room
between least and most) is one in name only. Where `dynamo.yml` itself says how many pods a service
has in an environment, people have decided otherwise: that is no breach, and it is said.
"""

from collections.abc import Iterator

from bot.domain.belongings import Raw, items, mapping
from bot.domain.policy.finding import Evidence, Judged, Scene, Standing

_MOST_USEFUL = 95
"""Per cent of what is requested: an autoscaler that waits for more comes when it is too late."""


def autoscaling(scene: Scene) -> Judged:
    held, name = scene.belongings, scene.environment.name
    if held.autoscaler is None:
        if "horizontalpodautoscalers.autoscaling" in held.blind_to:
            return Judged(Standing.UNKNOWN, "CANNOT_READ", _right(scene))
        if name in scene.service.replicas:
            return Judged(Standing.EXEMPT, "FIXED", {"count": scene.service.replicas[name]})
        return Judged(Standing.BROKEN, "NO_AUTOSCALER")
    spec = mapping(held.autoscaler.get("spec"))
    least, most = _number(spec.get("minReplicas"), 1), _number(spec.get("maxReplicas"), 0)
    evidence = tuple(_faults(scene, spec, least, most))
    values = {"least": least, "most": most}
    if evidence:
        return Judged(Standing.BROKEN, "AUTOSCALER_UNSOUND", values, evidence)
    return Judged(Standing.KEPT, "AUTOSCALED", values)


def _right(scene: Scene) -> dict[str, str | int | float]:
    for each in scene.belongings.unread:
        if each.resource == "horizontalpodautoscalers.autoscaling":
            return {"verb": each.verb, "resource": each.resource, "namespace": each.namespace}
    return {}


def _faults(scene: Scene, spec: Raw, least: int, most: int) -> Iterator[Evidence]:
    if least >= most:
        yield Evidence("NO_ROOM", {"least": least, "most": most})
    bounds = scene.environment.replicas
    if bounds is not None and most > bounds.most:
        yield Evidence("BEYOND_BOUNDS", {"most": most, "bound": bounds.most})
    metrics = items(spec.get("metrics"))
    if not metrics:
        yield Evidence("NO_METRICS")
    for metric in metrics:
        yield from _unusable(metric, scene.pod)
    status = mapping(mapping(scene.belongings.autoscaler).get("status"))
    for condition in items(status.get("conditions")):
        stopped = condition.get("status") == "False" and condition.get("type") == "ScalingActive"
        if stopped and condition.get("reason") != "ScalingDisabled":  # scaled to zero by hand
            why = str(condition.get("message") or condition.get("reason") or "")
            yield Evidence("INACTIVE", {"why": why[:160]})


def _unusable(metric: Raw, pod: Raw) -> Iterator[Evidence]:
    """A share of what is requested needs a request in every container that it is taken of."""
    kind = {"Resource": "resource", "ContainerResource": "containerResource"}.get(
        str(metric.get("type"))
    )
    if kind is None:
        return
    resource = mapping(metric.get(kind))
    target, name = mapping(resource.get("target")), str(resource.get("name", ""))
    if target.get("type") != "Utilization":
        return
    percent = _number(target.get("averageUtilization"), 0)
    if not 0 < percent <= _MOST_USEFUL:
        yield Evidence("TARGET", {"resource": name, "percent": percent})
    for container in items(pod.get("containers")):
        if resource.get("container") not in (None, container.get("name")):
            continue
        requests = mapping(mapping(container.get("resources")).get("requests"))
        limits = mapping(mapping(container.get("resources")).get("limits"))
        if name not in requests and name not in limits:  # a limit alone is the request too
            values = {"resource": name, "container": str(container.get("name", ""))}
            yield Evidence("NO_REQUEST", values)


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
