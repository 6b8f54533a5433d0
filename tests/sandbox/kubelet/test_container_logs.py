"""The lines of a service follow what ails its release, at the time that each was written."""

from datetime import UTC, datetime, timedelta

from bot.domain.log_lines import Level, level_of, message_of
from bot.sandbox.kubernetes.container_logs import ContainerLog
from bot.sandbox.kubernetes.containers import SERVICE

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BROKEN_FROM = START + timedelta(minutes=10)


def errors(log: ContainerLog, until: datetime) -> list[tuple[datetime, str]]:
    lines = [(line.at, line.text) for line in log.lines(until)]
    return [(at, text) for at, text in lines if level_of(text) is Level.ERROR]


def test_a_failing_release_logs_its_failures_from_when_it_fails() -> None:
    def trouble(at: datetime) -> str:
        return "fails-3-percent" if at >= BROKEN_FROM else ""

    log = ContainerLog("tasks-service", "seed", START, SERVICE, trouble=trouble)
    found = errors(log, START + timedelta(minutes=20))
    assert 25 <= len(found) <= 75  # a quarter of two hundred
    assert all(at >= BROKEN_FROM for at, _ in found)
    assert {message_of(text) for _, text in found} == {"request failed"}
    assert "reading 'id'" in found[0][1]


def test_other_troubles_leave_the_lines_as_they_are() -> None:
    healthy = ContainerLog("tasks-service", "seed", START, SERVICE)
    slower = ContainerLog("tasks-service", "seed", START, SERVICE, trouble=lambda _: "slower")
    until = START + timedelta(minutes=5)
    assert [line.text for line in slower.lines(until)] == [
        line.text for line in healthy.lines(until)
    ]
    assert errors(healthy, until) == []
