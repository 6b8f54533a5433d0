"""The directory of `--keep`: one picture at a time, whole or not at all."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.sandbox import keeping
from bot.sandbox.clock import Clock
from bot.sandbox.furnishing import live_through
from bot.sandbox.keeping import UNREADABLE, InUseError, Keeper, Picture, memory_of

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def picture(word: str, memory: bytes | None = None) -> Picture:
    return Picture(AT, 12.5, {"word": word}, memory)


def opened_again(keeper: Keeper) -> Keeper:
    keeper.close()
    return Keeper.open(keeper.directory)


def test_what_was_kept_is_found_with_its_time_and_its_bytes(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    name = keeper.put(b"a chart")
    keeper.keep(picture("one"))
    again = opened_again(keeper)
    assert again.found == picture("one")
    assert again.read(name) == b"a chart"
    again.close()


def test_a_thread_that_comes_late_does_not_bring_an_older_picture_back(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    late = keeper._changed(picture("old"))
    assert late is not None
    keeper.keep(picture("new"))
    keeper._replace(*late)
    again = opened_again(keeper)
    assert again.found == picture("new")
    again.close()


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    keeper.keep(picture("one"))
    stood = (tmp_path / "sandbox.zip").stat().st_mtime_ns
    keeper.keep(picture("one"))
    assert (tmp_path / "sandbox.zip").stat().st_mtime_ns == stood
    keeper.close()


def test_the_memory_of_the_picture_takes_the_place_of_a_newer_one(tmp_path: Path) -> None:
    """Else the bot would remember what neither the cluster nor Slack has seen."""
    keeper = Keeper.open(tmp_path)
    database = keeper.live / "dynamo.db"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table seen (word)")
        db.execute("insert into seen values ('kept')")
    keeper.keep(picture("one", memory_of(database)))
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("insert into seen values ('lost with the rest')")
    again = opened_again(keeper)
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("select word from seen").fetchall() == [("kept",)]
    again.close()


def test_a_directory_belongs_to_one_sandbox_at_a_time(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    with pytest.raises(InUseError, match="another sandbox"):
        Keeper.open(tmp_path)
    keeper.close()
    Keeper.open(tmp_path).close()


def test_half_a_picture_is_put_aside_and_so_is_one_of_another_format(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    keeper.keep(picture("one"))
    whole = (tmp_path / "sandbox.zip").read_bytes()
    (tmp_path / "sandbox.zip").write_bytes(whole[: len(whole) // 2])
    again = opened_again(keeper)
    assert again.found is None
    assert again.trouble
    assert (tmp_path / UNREADABLE).exists()
    again.close()


def test_bytes_that_were_damaged_are_not_taken_for_what_was_put(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    name = keeper.put(b"a chart")
    keeper.keep(picture("one"))
    (keeper.blobs / name).write_bytes(b"a ch")
    with pytest.raises(ValueError, match="damaged"):
        keeper.read(name)
    keeper.close()


def test_half_of_a_surrogate_pair_keeps_nothing_else_from_being_kept(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    keeper.keep(picture("half \ud83d"))
    again = opened_again(keeper)
    assert again.found == picture("half ?")
    again.close()


def test_others_on_the_machine_cannot_read_what_was_said(tmp_path: Path) -> None:
    keeper = Keeper.open(tmp_path)
    keeper.keep(picture("one"))
    assert (tmp_path / "sandbox.zip").stat().st_mode & 0o077 == 0
    keeper.close()


async def test_what_happened_while_nobody_ran_it_is_made_up_for_up_to_an_hour() -> None:
    """The rest is skipped: the time of day is right, and no timer comes nearer by it."""
    clock = Clock(start=datetime.now(UTC) - timedelta(days=2))
    rung: list[str] = []
    clock.call_later(1800, lambda: rung.append("half an hour"))
    clock.call_later(5400, lambda: rung.append("an hour and a half"))
    await live_through(clock)
    assert rung == ["half an hour"]
    assert abs((datetime.now(UTC) - clock.now()).total_seconds()) < 60
    assert 3600 <= clock.monotonic() < 3660


async def test_a_world_that_ran_ahead_of_the_day_goes_on_from_where_it_was() -> None:
    clock = Clock(speed=10, start=datetime.now(UTC) + timedelta(hours=3))
    await live_through(clock)
    assert clock.monotonic() < 600


async def test_a_picture_that_cannot_be_taken_is_said_and_the_next_one_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_SHORTEST_PAUSE", 0.0)
    keeper = Keeper.open(tmp_path)
    pictures = iter([picture("one"), Picture(AT, 1.0, {"word": object()}, None), picture("two")])
    keeping_on = asyncio.create_task(keeper.keep_on(lambda: next(pictures, picture("two"))))
    async with asyncio.timeout(30):
        while keeper._stands < 2:
            await asyncio.sleep(0.01)
    keeping_on.cancel()
    await asyncio.wait([keeping_on])
    assert "grows old" in caplog.text
    again = opened_again(keeper)
    assert again.found == picture("two")
    again.close()
