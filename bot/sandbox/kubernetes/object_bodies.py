"""From a request's body to the object that it means, or the refusal that a wrong body gets.

Everything that can be said of a body without looking at validation: its kind and version, fields
the type does not have, keys that stand twice, the place it names, and what a patch makes of an
object. The words are those of apiserver/pkg/endpoints/handlers (create.go, update.go, patch.go) and
apimachinery's serializers.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.kubernetes import decoding, patches, statuses, texts
from bot.sandbox.kubernetes.fields import go_plain
from bot.sandbox.kubernetes.options import WriteOptions
from bot.sandbox.kubernetes.resources import KINDS, Kind
from bot.sandbox.kubernetes.statuses import ApiError, bad_request
from bot.sandbox.kubernetes.stored import Object, encode

_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
# Versions that the server still reads and no longer serves.
_RETIRED = frozenset(
    {
        *("apps/v1beta1", "apps/v1beta2", "extensions/v1beta1", "autoscaling/v2beta1"),
        *("autoscaling/v2beta2", "batch/v1beta1", "policy/v1beta1", "events.k8s.io/v1beta1"),
        *("networking.k8s.io/v1beta1", "coordination.k8s.io/v1beta1"),
        *("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"),
        "authorization.k8s.io/v1beta1",
    }
)


def decoded(kind: Kind, raw: Any, options: WriteOptions) -> Object:
    """The object of a body. Raises ApiError 400 for what is no such object."""
    version, name = raw.get("apiVersion") or kind.api_version, raw.get("kind") or kind.kind
    short = str(version).rpartition("/")[2]
    prefix = f'{name} in version "{short}" cannot be handled as a {kind.kind}: '
    problem = _stranger(kind, str(version), str(name))
    if problem:
        raise bad_request(prefix + problem)
    if version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API "
            f"version ({kind.api_version})"
        )
    try:
        obj, complaints = decoding.decode(kind.schema, raw)
    except texts.DecodeError as error:
        raise bad_request(prefix + str(error)) from error
    complaints = [*texts.repeated(raw), *complaints]
    if complaints and options.validation == "Strict":
        raise bad_request(f"{prefix}strict decoding error: {', '.join(complaints)}")
    if options.validation == "Warn":
        options.warnings.extend(complaints)
    obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
    obj.setdefault("metadata", {})
    return obj


def _stranger(kind: Kind, version: str, name: str) -> str:
    """Why an object of this version and kind cannot become the wanted kind; empty if it can."""
    known = any((one.api_version, one.kind) == (version, name) for one in (kind, *KINDS))
    if name == kind.kind and (known or version in _RETIRED):
        return ""
    if known or (version in _RETIRED and any(other.kind == name for other in KINDS)):
        short = version.rpartition("/")[2]
        return f"converting ({short}.{name}) to ({kind.go_name}): unknown conversion"
    return _unregistered(version, name)


def _unregistered(version: str, name: str) -> str:
    return f'no kind "{name}" is registered for version "{version}" in scheme "{_SCHEME}"'


def same_place(obj: Object, namespace: str, name: str) -> None:
    """The URL and the object must mean the same place; `name` is empty where the URL has none."""
    meta = obj.get("metadata") or {}
    if (meta.get("namespace") or namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if name and not meta.get("name"):
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be "
            "provided"
        )
    if name and meta["name"] != name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
        )


# Patches


def patched(
    kind: Kind, old: Object, content_type: str, body: bytes, options: WriteOptions
) -> Object:
    """The object after a JSON, merge or strategic merge patch, decoded.

    Raises ApiError: 400 for a body that is no patch, 422 for one that cannot be applied or whose
    result does not fit the type.
    """
    patch = _patch(body, content_type, options)
    if content_type == patches.STRATEGIC:
        result = patches.strategic_merge(kind.schema, old, patch)
        return _decoded_patch(kind, result, go_plain(patch), patch, options, plain=True)
    if content_type == patches.JSON:
        result = patches.json_patch(old, patch)
    else:
        result = patches.merge_patch(old, patch)
    shown = encode(result).decode()
    version, name = str(result.get("apiVersion", "")), str(result.get("kind", ""))
    if (version, name) != (kind.api_version, kind.kind):
        raise _unfit(shown, _stranger(kind, version, name) or _unregistered(version, name))
    return _decoded_patch(kind, result, shown, patch, options, plain=False)


def _patch(body: bytes, content_type: str, options: WriteOptions) -> Any:
    """The patch itself. `null` is no change to a JSON and a strategic patch, and no merge patch."""
    prefix = "" if content_type == patches.STRATEGIC else "error decoding patch: "
    try:
        patch = texts.json_text(body)
    except texts.DecodeError as error:
        raise bad_request(prefix + str(error)) from error
    if content_type == patches.JSON:
        return _operations(patch, options)
    if patch is None and content_type == patches.MERGE:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict | None):
        word = statuses.json_word(patch)
        go_type = "map[string]interface {}"
        raise bad_request(f"{prefix}json: cannot unmarshal {word} into Go value of type {go_type}")
    return patch or {}


def _operations(patch: Any, options: WriteOptions) -> list[Any]:
    """A JSON patch is read twice: for what it must not have, which `Ignore` leaves out, and then
    to be applied.
    """
    ignored = options.validation == "Ignore"
    prefix = "" if ignored else "error decoding patch: "
    whole, each = ("jsonpatch.Patch", "jsonpatch.Operation")
    if not ignored:
        whole, each = ("[]handlers.jsonPatchOp", "handlers.jsonPatchOp")
    wrong = [(patch, whole)] if not isinstance(patch, list | None) else []
    wrong += [(one, each) for one in patch or [] if not isinstance(one, dict)] if not wrong else []
    for found, go_type in wrong:
        word = statuses.json_word(found)
        raise bad_request(f"{prefix}json: cannot unmarshal {word} into Go value of type {go_type}")
    for one in patch or [] if not ignored else ():
        for name in ("op", "path", "from"):
            if not isinstance(one.get(name), str | None):
                word = statuses.json_word(one[name])
                raise bad_request(
                    f"{prefix}json: cannot unmarshal {word} into Go struct field "
                    f"jsonPatchOp.{name} of type string"
                )
    return patch or []


def _complaints(patch: Any) -> list[str]:
    """What strict reading says of a patch itself, before it is applied."""
    if not isinstance(patch, list):
        return texts.repeated(patch)
    unknown = [
        f'unknown field "[{index}].{name}"'
        for index, one in enumerate(patch)
        for name in one
        if name not in ("op", "path", "from", "value")
    ]
    return [f"json patch {one}" for one in (*texts.repeated(patch), *unknown)]


def _decoded_patch(
    kind: Kind, result: Object, shown: str, patch: Any, options: WriteOptions, *, plain: bool
) -> Object:
    """`plain`: a strategic patch goes from map to struct without JSON, with errors of its own."""
    try:
        obj, complaints = decoding.decode(kind.schema, result)
    except texts.DecodeError as error:
        raise _unfit(shown, error.plain if plain and error.plain else str(error)) from error
    complaints = [*_complaints(patch), *complaints]
    if complaints and options.validation == "Strict":
        raise _unfit(shown, f"strict decoding error: {', '.join(complaints)}")
    if options.validation == "Warn":
        options.warnings.extend(complaints)
    obj.setdefault("metadata", {})
    return obj


def _unfit(shown: str, problem: str) -> ApiError:
    error = statuses.invalid_value("patch", shown, problem)
    return statuses.invalid_kind("", "", "", "", [error])


def decoded_apply(kind: Kind, merged: Object) -> Object:
    """What apply made of an object, as Go holds it. Raises ApiError 500, which nobody typed."""
    try:
        obj, _ = decoding.decode(kind.schema, merged)
    except texts.DecodeError as error:
        meta = merged.get("metadata") or {}
        who = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
        problem = f"error decoding from json: {error}" if "base64" in str(error) else str(error)
        raise statuses.internal(
            f"failed to convert new object ({who}; {kind.gvk}) to proper version "
            f"({kind.api_version}): {error.plain or problem}"
        ) from error
    obj.setdefault("metadata", {})
    return obj


def applied(body: bytes, options: WriteOptions) -> tuple[Object, str]:
    """The configuration of an apply patch, and what is to be said of keys that stand twice."""
    try:
        config, repeated = texts.yaml_text(body)
    except texts.DecodeError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if config is None:
        config = {}
    if not isinstance(config, dict):
        word = statuses.json_word(config)
        raise bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
            f"unmarshal {word} into Go value of type map[string]interface {{}}"
        )
    told = ""
    if repeated:
        told = "error converting YAML to JSON: yaml: unmarshal errors:\n" + "\n".join(repeated)
    return config, told
