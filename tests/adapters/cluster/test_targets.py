"""What the tests leave in a cluster: nothing, also after one that was killed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import client

from tests.adapters.cluster.targets import (
    all_gone,
    manifest,
    namespace_of,
    official,
    sandbox,
    sweep,
)


async def names(kubeconfig: str) -> set[str]:
    async with official(kubeconfig) as api:
        core: Any = client.CoreV1Api(api)
        return {each.metadata.name for each in (await core.list_namespace()).items}


async def test_the_namespaces_of_a_run_go_with_their_pods(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as path:
        before = await names(str(path))
        async with namespace_of(str(path)) as there:
            await there.cluster.apply("", there.namespace, manifest())
            assert await names(str(path)) == before | {there.namespace}
        await all_gone(str(path))
        assert await names(str(path)) == before


async def test_what_is_left_is_named(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as path, namespace_of(str(path), "a-run") as there:
        with pytest.raises(AssertionError, match=there.namespace):
            await all_gone(str(path), "a-run", within=0)


async def test_only_what_a_run_of_long_ago_left_is_swept(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as path:
        before = await names(str(path))
        async with namespace_of(str(path), "another-run") as there:
            await sweep(str(path))
            assert there.namespace in await names(str(path)), "it may still be at work"
            await sweep(str(path), timedelta(seconds=-60))
            await all_gone(str(path), "another-run")
        assert await names(str(path)) == before
