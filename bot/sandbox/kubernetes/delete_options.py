"""DeleteOptions: from a body, or from the query where there is none; checked as the real one does.

Rules of apimachinery/pkg/apis/meta/v1/validation (ValidateDeleteOptions).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.kubernetes import decoding, requests, statuses, texts
from bot.sandbox.kubernetes.deletion import DeleteOptions
from bot.sandbox.kubernetes.statuses import FieldError
from bot.sandbox.kubernetes.stored import Object

_POLICIES = ("Foreground", "Background", "Orphan")


def of_query(query: Mapping[str, str]) -> DeleteOptions:
    """Raises ApiError: 400 for what is no number, 422 for what is no option."""
    body: Object = {}
    if query.get("propagationPolicy"):
        body["propagationPolicy"] = query["propagationPolicy"]
    if "orphanDependents" in query:
        body["orphanDependents"] = requests.flag(query, "orphanDependents")
    if query.get("dryRun"):
        body["dryRun"] = [query["dryRun"]]
    grace = requests.number(query, "gracePeriodSeconds")
    if grace is not None:
        body["gracePeriodSeconds"] = grace
    return of_body(body)


def of_text(data: bytes, *, yaml: bool) -> DeleteOptions:
    """From a body. Raises ApiError: 500 for one that cannot be read, because nobody gave that error
    a status (handlers/delete.go), 422 for what is no option.
    """
    try:
        raw = texts.yaml_text(data)[0] if yaml else texts.json_text(data)
        if not isinstance(raw, dict):
            word = statuses.json_word(raw)
            raise texts.DecodeError(f"json: cannot unmarshal {word} into Go value of type struct")
    except texts.DecodeError as error:
        why = f"couldn't get version/kind; json parse error: {error}"
        raise statuses.internal(why) from error
    version, kind = raw.get("apiVersion", "v1"), raw.get("kind", "DeleteOptions")
    if kind != "DeleteOptions":
        raise statuses.internal(
            f'no kind "{kind}" is registered for version "{version}" in scheme '
            '"pkg/apis/meta/internalversion/scheme/register.go:34"'
        )
    try:
        return of_body(decoding.decode("DeleteOptions", raw)[0])
    except texts.DecodeError as error:
        raise statuses.internal(str(error)) from error


def of_body(body: Object) -> DeleteOptions:
    """From a decoded DeleteOptions; with a body, the query says nothing. Raises ApiError 422."""
    policy, orphan = body.get("propagationPolicy"), body.get("orphanDependents")
    dry_run = body.get("dryRun") or []
    problems: list[FieldError] = []
    if policy is not None and orphan is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        problems.append(statuses.invalid_value("propagationPolicy", policy, text))
    if policy is not None and policy not in _POLICIES:
        choices = (*_POLICIES, "nil")
        problems.append(statuses.not_supported("propagationPolicy", policy, choices))
    if any(stage != "All" for stage in dry_run):
        problems.append(statuses.not_supported("dryRun", dry_run, ("All",)))
    if problems:
        raise statuses.invalid_options("DeleteOptions", problems)
    if policy is None and orphan is not None:
        policy = "Orphan" if orphan else "Background"
    wanted = body.get("preconditions") or {}
    return DeleteOptions(
        policy or "Background",
        body.get("gracePeriodSeconds"),
        wanted.get("uid"),
        wanted.get("resourceVersion"),
        bool(dry_run),
    )
