"""The sandbox's Prometheus is asked and refuses as the real one does.

What the look at metrics says of each of its knobs is in test_release_troubles.py."""

import aiohttp
import pytest


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("sum(", 400, "parse error"),
        ("topk(3, up)", 400, "unknown function"),
        ("rate(up)", 400, "expected type range vector"),
        ("vector(up)", 422, "expected type scalar"),
        ("nothing_of_the_kind", 200, None),
    ],
)
async def test_its_prometheus_refuses_as_the_real_one_does(sandbox, query, status, said):
    url = f"{sandbox.url}/prometheus/api/v1/query"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"query": query}) as answer,
    ):
        assert answer.status == status
        body = await answer.json()
    if said is None:
        assert body["data"] == {"resultType": "vector", "result": []}
    else:
        assert said in body["error"]
