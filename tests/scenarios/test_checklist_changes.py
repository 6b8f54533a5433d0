"""What a new checklist says of what changed since the list before it, as the git host tells it."""

from bot.sandbox.registry.release_table import RELEASES
from bot.workflows.checklist import look_at_ci_of

PROD, GENERAL = "#production", "#general"
SERVICE, REPOSITORY = "tasks-service", "yourorg/tasks-service"
COMMITS = {each.version: each.commit for each in RELEASES if each.service == SERVICE}


async def ask(slack, version):
    await slack.say("ben", GENERAL, f"/dynamo checklist {SERVICE} {version}")


async def listed(slack, version, word):
    """The list's message in the channel, once it says so."""
    return await slack.message(
        "ben",
        channel=PROD,
        where=lambda m: m.from_app and f"{SERVICE} {version} ·" in m.words and word in m.words,
        timeout=60,
    )


async def stored(sandbox, version):
    digest = sandbox.world.digests[SERVICE, version]
    return await sandbox.dynamo.edges.checklists.get(SERVICE, digest)


async def recorded(sandbox):
    return [each.entry.action for each in await sandbox.dynamo.edges.audit.page(SERVICE, limit=50)]


async def opened_after_another(slack):
    await ask(slack, "1.3.2")
    await listed(slack, "1.3.2", "1 of 5")
    await ask(slack, "1.4.0")


async def test_a_new_list_names_the_commits_since_the_one_before_and_their_authors(sandbox, slack):
    await opened_after_another(slack)
    shown = await listed(slack, "1.4.0", "since 1.3.2")
    commits = sandbox.git_host.repository(REPOSITORY).commits
    ids = [each.sha for each in commits]
    between = commits[ids.index(COMMITS["1.3.2"]) + 1 : ids.index(COMMITS["1.4.0"]) + 1]
    assert len(between) > 3
    assert f"{len(between)} commits since 1.3.2" in shown.words
    for commit in between[-3:]:
        assert f"{commit.message} — {commit.author}" in shown.words
        assert commit.sha[:7] in shown.words
    assert between[-4].sha[:7] not in shown.words
    assert f"and {len(between) - 3} more" in shown.words
    assert "since" not in (await listed(slack, "1.3.2", "No longer")).words, "nothing before it"


async def test_what_changed_is_asked_once_and_is_no_deed(sandbox, slack):
    await opened_after_another(slack)
    await listed(slack, "1.4.0", "since 1.3.2")
    deeds, held = await recorded(sandbox), await stored(sandbox, "1.4.0")
    assert held.before.commits.since == sandbox.world.digests[SERVICE, "1.3.2"]
    sandbox.git_host.away = True  # whoever asks again now is told nothing
    await look_at_ci_of(sandbox.dynamo.edges, SERVICE, held.digest)
    assert await stored(sandbox, "1.4.0") == held
    assert await recorded(sandbox) == deeds
    assert sorted(deeds) == ["checklist-open", "checklist-open", "tick", "tick"]


async def test_a_git_host_that_is_away_delays_no_list_and_is_asked_again(sandbox, slack):
    await ask(slack, "1.3.2")
    await listed(slack, "1.3.2", "1 of 5")
    sandbox.git_host.away = True
    await ask(slack, "1.4.0")
    shown = await listed(slack, "1.4.0", "What changed since 1.3.2 is not known")
    assert "does not answer" in shown.words
    sandbox.git_host.away = False
    sandbox.clock.advance(60)
    again = await listed(slack, "1.4.0", "commits since 1.3.2")
    assert again.ts == shown.ts


async def test_an_older_release_says_that_it_is_older(sandbox, slack):
    await ask(slack, "1.4.0")
    await listed(slack, "1.4.0", "1 of 5")
    await ask(slack, "1.3.2")
    await listed(slack, "1.3.2", "This is older than 1.4.0")
