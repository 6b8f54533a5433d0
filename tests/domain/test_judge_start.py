"""Containers that do not get as far as running: the rows of rollouts.md §1.4, one fact each.

The words are what kubelet 1.36, containerd and runc really say.
"""

from typing import Any

import pytest

IMAGE = "r/tasks:1.1.0"
RESOLVE = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '
NOT_FOUND = f"rpc error: code = NotFound desc = {RESOLVE}{IMAGE}: not found"
DENIED = (
    f"rpc error: code = Unknown desc = {RESOLVE}failed to authorize: failed to fetch anonymous "
    "token: unexpected status from GET request to https://auth.r/token?scope=x: 401 Unauthorized"
)
AWAY = (
    f'{RESOLVE}failed to do request: Head "https://r/v2/tasks/manifests/1.1.0": dial tcp: lookup r '
    "on 10.0.0.10:53: no such host"
)
SECRET = 'secret "tasks-secret" not found'
RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: "
)
NO_FILE = f'{RUNC}exec: "/nope": stat /nope: no such file or directory'
NOT_IN_PATH = f'{RUNC}exec: "nope": executable file not found in $PATH'


# --- image --------------------------------------------------------------------------------------


def test_an_image_that_does_not_exist_fails_at_first_sight_on_one_pod(world: Any, api: Any) -> None:
    world.pod("new-1", api.waiting("ErrImagePull", NOT_FOUND))
    world.pod("new-2", api.waiting("ContainerCreating"))
    assert world.at(0.7) == ("fail", "IMAGE_NOT_FOUND")
    assert world.verdict.values["image"] == IMAGE
    assert (world.verdict.values["pods"], world.verdict.values["of"]) == (1, 2)


@pytest.mark.parametrize(
    "words",
    [
        NOT_FOUND,
        f"manifest for {IMAGE} not found: manifest unknown: manifest unknown",
        "Error response from daemon: manifest unknown",
        f"{RESOLVE}unexpected status from HEAD request to https://r/v2/x: 404 Not Found",
        "name unknown: repository name not known to registry",
    ],
)
def test_each_registrys_words_for_missing(world: Any, api: Any, words: str) -> None:
    world.pod(state=api.waiting("ErrImagePull", words))
    assert world.at(1) == ("fail", "IMAGE_NOT_FOUND")


def test_the_words_that_the_back_off_replaces_are_remembered(world: Any, api: Any) -> None:
    """Older kubelets say only "Back-off pulling image" from the second look on."""
    world.pod(state=api.waiting("ErrImagePull", DENIED))
    assert world.at(1) == ("warn", "IMAGE_PULL_DENIED")
    world.pod(state=api.waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))
    assert world.at(5) == ("warn", "IMAGE_PULL_DENIED")
    assert "401 Unauthorized" in world.finding.message


def test_the_missing_image_is_still_missing_while_the_states_alternate(
    world: Any, api: Any
) -> None:
    back_off = f'Back-off pulling image "{IMAGE}": ErrImagePull: {NOT_FOUND}'
    for seconds in range(1, 60, 10):
        world.pod(state=api.waiting("ErrImagePull", NOT_FOUND))
        assert world.at(seconds) == ("fail", "IMAGE_NOT_FOUND")
        world.pod(state=api.waiting("ImagePullBackOff", back_off))
        assert world.at(seconds + 5) == ("fail", "IMAGE_NOT_FOUND")


def test_a_back_off_that_was_met_without_its_cause_is_explained_by_the_event(
    world: Any, api: Any
) -> None:
    world.pod(state=api.waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))
    assert world.at(1) == ("warn", "IMAGE_PULL_FAILED")
    assert world.wants_events == ("new-1",)
    world.event("new-1", "Failed", f'Failed to pull image "{IMAGE}": {NOT_FOUND}')
    assert world.at(2) == ("fail", "IMAGE_NOT_FOUND")
    world.no_events()
    assert world.at(3) == ("fail", "IMAGE_NOT_FOUND")


@pytest.mark.parametrize(
    "words",
    [
        DENIED,
        "pull access denied, repository does not exist or may require authorization: server "
        "message: insufficient_scope: authorization failed",
        f"{RESOLVE}unexpected status from HEAD request to https://r/v2/x: 403 Forbidden",
        "no basic auth credentials",
    ],
)
def test_a_refused_pull_warns_and_fails_after_15_s(world: Any, api: Any, words: str) -> None:
    world.pod(state=api.waiting("ErrImagePull", words))
    assert world.at(1) == ("warn", "IMAGE_PULL_DENIED")
    assert world.again_in == 16
    assert world.through(15.9, 16) == [("warn", "IMAGE_PULL_DENIED"), ("fail", "IMAGE_PULL_DENIED")]


def test_a_pull_that_was_refused_twice_fails_at_once(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("ErrImagePull", DENIED))
    world.event("new-1", "Failed", f'Failed to pull image "{IMAGE}": {DENIED}', count=2)
    assert world.at(13) == ("fail", "IMAGE_PULL_DENIED")


def test_an_image_called_denied_is_not_denied(world: Any, api: Any) -> None:
    image = "r/forbidden-denied:1"
    world.pod(state=api.waiting("ErrImagePull", f"{image}: not found"), container={"image": image})
    assert world.at(1) == ("fail", "IMAGE_NOT_FOUND")


@pytest.mark.parametrize(
    "words",
    [
        AWAY,
        f"{RESOLVE}failed to do request: dial tcp 10.0.0.9:443: i/o timeout",
        "toomanyrequests: You have reached your pull rate limit",
        f"{RESOLVE}unexpected status from HEAD request to https://r/v2/x: 503 Service Unavailable",
        'Head "https://r/v2/": x509: certificate signed by unknown authority',
        "context deadline exceeded",
        "something nobody has ever seen",
    ],
)
def test_a_registry_that_is_away_warns_at_once_and_fails_after_60_s(
    world: Any, api: Any, words: str
) -> None:
    world.pod(state=api.waiting("ErrImagePull", words))
    assert world.through(1, 60.9, 61) == [
        ("warn", "IMAGE_PULL_FAILED"),
        ("warn", "IMAGE_PULL_FAILED"),
        ("fail", "IMAGE_PULL_FAILED"),
    ]


def test_tokens_of_a_registry_are_not_repeated(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("ErrImagePull", f"{RESOLVE}https://u:hunter2@r/x?token=abc: 401"))
    world.at(1)
    assert "hunter2" not in world.finding.message
    assert "abc" not in world.finding.message


def test_an_invalid_name_fails_at_first_sight(world: Any, api: Any) -> None:
    world.pod(
        state=api.waiting(
            "InvalidImageName", "couldn't parse image name: invalid reference format"
        ),
        container={"image": "r/TASKS:oops"},
    )
    assert world.at(1) == ("fail", "INVALID_IMAGE_NAME")
    assert world.verdict.values["image"] == "r/TASKS:oops"


def test_an_image_that_must_not_be_pulled_and_is_not_there_fails_at_first_sight(
    world: Any, api: Any
) -> None:
    words = f'Container image "{IMAGE}" is not present with pull policy of Never'
    world.pod(state=api.waiting("ErrImageNeverPull", words))
    assert world.at(1) == ("fail", "IMAGE_NOT_FOUND")
    assert world.verdict.values["variant"] == "never"


def test_an_image_that_cannot_be_inspected_gets_30_s(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("ImageInspectError", "Failed to inspect image"))
    assert world.through(1, 30.9, 31) == [
        ("warn", "IMAGE_PULL_FAILED"),
        ("warn", "IMAGE_PULL_FAILED"),
        ("fail", "IMAGE_PULL_FAILED"),
    ]


def test_the_image_of_an_init_container_is_one_too(world: Any, api: Any) -> None:
    waiting = api.waiting("ErrImagePull", "r/init:1: not found")
    world.pod(
        state=api.waiting("PodInitializing"),
        inits=[({"name": "migrate", "image": "r/init:1"}, {"name": "migrate", "state": waiting})],
    )
    assert world.at(1) == ("fail", "IMAGE_NOT_FOUND")
    assert world.verdict.values["image"] == "r/init:1"


# --- configuration ------------------------------------------------------------------------------


def test_a_missing_secret_gets_10_s_since_it_may_be_syncing(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("CreateContainerConfigError", SECRET))
    assert world.at(1) == ("warn", "CONFIG_MISSING")
    assert world.again_in == 11
    assert world.through(10.9, 11) == [("warn", "CONFIG_MISSING"), ("fail", "CONFIG_MISSING")]
    assert (world.verdict.values["kind"], world.verdict.values["config"]) == (
        "Secret",
        "tasks-secret",
    )


def test_a_missing_key_is_named_with_its_config(world: Any, api: Any) -> None:
    words = "couldn't find key DATABASE_URL in ConfigMap qa/tasks-config"
    world.pod(state=api.waiting("CreateContainerConfigError", words))
    assert world.through(1, 11)[1] == ("fail", "CONFIG_MISSING")
    values = world.verdict.values
    assert (values["kind"], values["config"], values["key"]) == (
        "ConfigMap",
        "tasks-config",
        "DATABASE_URL",
    )


def test_configuration_that_is_only_slow_never_fails_by_itself(world: Any, api: Any) -> None:
    """krane had to take back an instant rule for this one (PR#885)."""
    words = "failed to sync configmap cache: timed out waiting for the condition"
    world.pod(state=api.waiting("CreateContainerConfigError", words))
    assert world.through(1, 300) == [("warn", "CONFIG_MISSING")] * 2


def test_a_container_that_would_run_as_root_is_no_missing_config(world: Any, api: Any) -> None:
    words = "container has runAsNonRoot and image will run as root"
    world.pod(state=api.waiting("CreateContainerConfigError", words))
    assert world.through(1, 11) == [("warn", "START_FAILED"), ("fail", "START_FAILED")]


# --- mounts -------------------------------------------------------------------------------------


def test_a_pod_that_stays_in_creating_has_its_events_asked_for_after_5_s(
    world: Any, api: Any
) -> None:
    world.pod()
    world.at(1)
    assert (world.wants_events, world.again_in) == ((), 6)
    assert world.at(6) == ("wait", "UPDATING")
    assert world.wants_events == ("new-1",)


def test_a_volume_of_a_missing_secret_fails_after_30_s(world: Any, api: Any) -> None:
    world.pod()
    words = f'MountVolume.SetUp failed for volume "config" : {SECRET}'
    world.event("new-1", "FailedMount", words, count=4, first=0, at=8)
    assert world.at(6) == ("warn", "MOUNT_FAILED")
    world.no_events()
    assert world.through(30.9, 31) == [("warn", "MOUNT_FAILED"), ("fail", "MOUNT_FAILED")]
    assert world.verdict.values["config"] == "tasks-secret"


def test_a_key_that_a_volume_wants_and_is_not_there_fails_after_30_s(world: Any) -> None:
    world.pod()
    words = 'MountVolume.SetUp failed for volume "c" : references non-existent config key: app.yml'
    world.event("new-1", "FailedMount", words, first=0, at=1)
    assert world.through(1, 31)[1] == ("fail", "MOUNT_FAILED")
    assert world.verdict.values["key"] == "app.yml"


def test_what_is_missing_is_preferred_to_the_summary_that_comes_later(world: Any) -> None:
    world.pod()
    world.event("new-1", "FailedMount", f"MountVolume.SetUp failed: {SECRET}", at=1)
    world.event("new-1", "FailedMount", "Unable to attach or mount volumes: timed out", at=120)
    world.at(1)
    assert world.finding.values["config"] == "tasks-secret"


@pytest.mark.parametrize("order", [(1, 9), (9, 1)])
def test_the_newest_event_speaks_in_whatever_order_they_came(
    world: Any, order: tuple[int, int]
) -> None:
    world.pod()
    for second in order:
        world.event("new-1", "FailedMount", f"AttachVolume failed, try {second}", at=second)
    world.at(10)
    assert world.finding.message == "AttachVolume failed, try 9"


@pytest.mark.parametrize(
    "words",
    [
        "MountVolume.SetUp failed: failed to sync secret cache: timed out",
        'MountVolume.SetUp failed: object "qa"/"kube-root-ca.crt" not registered',
        "AttachVolume.Attach failed for volume: rpc error: code = Internal",
    ],
)
def test_other_mount_troubles_warn_and_get_120_s(world: Any, words: str) -> None:
    world.pod()
    world.event("new-1", "FailedMount", words, first=1, at=1)
    assert world.through(1, 120.9, 121) == [
        ("warn", "MOUNT_FAILED"),
        ("warn", "MOUNT_FAILED"),
        ("fail", "MOUNT_FAILED"),
    ]


def test_a_mount_that_worked_in_the_end_is_forgotten(world: Any, api: Any) -> None:
    world.pod()
    world.event("new-1", "FailedMount", f"MountVolume.SetUp failed: {SECRET}", at=1)
    world.at(6)
    world.pod(state=api.running(7), ready=True)
    assert world.at(40) == ("wait", "UPDATING")


def test_a_sandbox_that_cannot_be_made_is_the_clusters_trouble(world: Any) -> None:
    world.pod()
    world.event("new-1", "FailedCreatePodSandBox", "plugin type=cni failed", first=1, at=1)
    assert world.through(6, 16.9, 17, 121.9, 122) == [
        ("wait", "UPDATING"),
        ("wait", "UPDATING"),
        ("warn", "NODE_TROUBLE"),
        ("warn", "NODE_TROUBLE"),
        ("fail", "NODE_TROUBLE"),
    ]


def test_the_clusters_clock_cannot_make_a_trouble_older_than_the_change(world: Any) -> None:
    world.pod()
    world.event("new-1", "FailedMount", f"MountVolume.SetUp failed: {SECRET}", first=-500, at=-500)
    assert world.through(6, 29.9, 30)[1:] == [("warn", "MOUNT_FAILED"), ("fail", "MOUNT_FAILED")]


# --- command ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (NO_FILE, "/nope"),
        (NOT_IN_PATH, "nope"),
        (f'{RUNC}exec: "/app": permission denied', "/app"),
        (f'{RUNC}exec: "/app": exec format error', "/app"),
    ],
)
def test_a_command_that_cannot_be_run_fails_at_first_sight(
    world: Any, api: Any, words: str, command: str
) -> None:
    world.pod(state=api.waiting("RunContainerError", words))
    assert world.at(1) == ("fail", "START_FAILED")
    assert world.verdict.values["command"] == command
    assert not world.finding.message.startswith("failed to create")


def test_start_error_says_the_same_as_a_state_that_ended(world: Any, api: Any) -> None:
    ended = api.ended(128, "StartError", message=NO_FILE)
    world.pod(state=ended)
    assert world.at(1) == ("fail", "START_FAILED")
    assert world.verdict.values["exit_code"] == 128
    world.pod(state=api.backing_off(), last=ended, restarts=1)
    assert world.at(2) == ("fail", "START_FAILED")
    assert len(world.verdict.findings) == 1


@pytest.mark.parametrize("code", [126, 127])
def test_a_shell_that_finds_no_command_fails_at_first_sight(
    world: Any, api: Any, code: int
) -> None:
    world.pod(state=api.ended(code))
    assert world.at(1) == ("fail", "START_FAILED")
    assert world.verdict.values["exit_code"] == code
    world.pod(state=api.running(2), last=api.ended(code), restarts=1)
    assert world.at(2) == ("fail", "START_FAILED")


def test_a_runtime_that_has_a_moment_of_trouble_gets_20_s(world: Any, api: Any) -> None:
    world.pod(state=api.waiting("CreateContainerError", "context deadline exceeded"))
    assert world.through(1, 20.9, 21) == [
        ("warn", "START_FAILED"),
        ("warn", "START_FAILED"),
        ("fail", "START_FAILED"),
    ]


def test_a_runtime_that_recovers_fails_nothing(world: Any, api: Any) -> None:
    ended = api.ended(128, "StartError", message="failed to create shim task: device busy")
    world.pod(state=ended)
    assert world.at(1) == ("warn", "START_FAILED")
    world.pod(state=api.running(3), last=ended, restarts=1, ready=True)
    world.done()
    assert world.at(3)[0] == "warn"
    assert world.at(14) == ("pass", "COMPLETE")


def test_a_start_that_fails_again_and_again_fails_sooner(world: Any, api: Any) -> None:
    ended = api.ended(128, "StartError", message="failed to create shim task: device busy")
    world.pod(state=api.backing_off(), last=ended, restarts=1)
    assert world.at(5) == ("fail", "START_FAILED")


def test_a_mount_in_the_runtime_is_not_a_missing_command(world: Any, api: Any) -> None:
    words = f'{RUNC}error mounting "/a" to rootfs at "/b": no such file or directory'
    world.pod(state=api.waiting("RunContainerError", words))
    assert world.at(1) == ("warn", "START_FAILED")


def test_a_limit_too_small_to_start_is_told_as_memory(world: Any, api: Any) -> None:
    words = f"{RUNC}container init was OOM-killed (memory limit too low?)"
    world.pod(
        state=api.waiting("RunContainerError", words),
        container={"resources": {"limits": {"memory": "4Mi"}}},
    )
    assert world.at(1) == ("warn", "OOM_KILLED")
    assert world.verdict.values["limit"] == "4Mi"
