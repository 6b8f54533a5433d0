"""How many releases an environment is behind: by what ran well, not by numbers in names."""

from dataclasses import replace

import pytest

from bot.domain.behind import releases_behind
from bot.domain.image import Image
from bot.domain.kind import Kind
from bot.domain.rollout import Rollout, RolloutState, Running


def digest(version: str) -> str:
    return f"sha256:{version}"


@pytest.fixture
def came(make_rollout):
    """Rollouts of these versions, newest first: "1.4.0", "!1.5.0" failed, "<1.3.2" a rollback."""

    def make(*words: str, before: str = "1.3.1") -> list[Rollout]:
        found = []
        for number, word in enumerate(words):
            version = word.lstrip("!<+")
            rollout = make_rollout(
                id=f"r{number}",
                version=version,
                state=RolloutState.FAILED if word[0] == "!" else RolloutState.SUCCEEDED,
                kind={"<": Kind.ROLLBACK, "+": Kind.SCALE}.get(word[0], Kind.DEPLOY),
            )
            image = Image("x", version, digest(version))
            ran = Running(before, digest(before))
            found.append(replace(rollout, image=image, before=ran))
        return found[::-1]

    return make


@pytest.mark.parametrize(
    ("words", "runs", "behind"),
    [
        (("1.3.2", "1.4.0"), "1.3.2", ("1.4.0",)),
        (("1.3.2", "1.4.0"), "1.4.0", ()),
        (("1.3.2", "1.4.0"), "1.3.1", ("1.3.2", "1.4.0")),  # ran before anything was recorded
        (("1.3.2", "!1.4.0", "1.4.1"), "1.3.2", ("1.4.1",)),
        (("1.3.2", "1.4.0", "<1.3.2"), "1.3.2", ()),
        (("1.3.2", "1.4.0", "<1.3.2", "1.4.1"), "1.3.2", ("1.4.1",)),
        (("1.3.2", "1.4.0", "1.5.0", "<1.4.0"), "1.3.2", ("1.4.0",)),
        (("1.3.2", "1.4.0", "+1.4.0"), "1.3.2", ("1.4.0",)),
        (("1.3.2", "1.4.0"), "0.9.0", None),
        ((), "1.3.2", None),
    ],
)
def test_only_what_ran_well_since_and_still_counts_is_counted(came, words, runs, behind):
    assert releases_behind(came(*words), digest(runs)) == behind


def test_an_image_without_a_digest_cannot_be_counted(came):
    assert releases_behind(came("1.3.2", "1.4.0"), "") is None
