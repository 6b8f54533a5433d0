"""What the engine is sent: whole and exact, in bounded memory, within its limit, nothing from
outside of the checkout."""

import io
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from bot.adapters.build_context import Context, _exactly, _opened, open_context
from bot.domain.build import BuildStep, Cause, Failure

MUCH = 10**9


def packed(files: Path, most: int = MUCH) -> tarfile.TarFile:
    context = open_context(files, most)
    assert isinstance(context, Context), context
    return tarfile.open(fileobj=io.BytesIO(b"".join(context)))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    directory = tmp_path / "files"
    (directory / "deep" / ("d" * 120)).mkdir(parents=True)
    (directory / "Dockerfile").write_text("FROM scratch\n")
    (directory / "empty").touch()
    (directory / "deep" / ("d" * 120) / "größe.txt").write_bytes(b"x" * 513)
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    return directory


def test_what_is_unpacked_is_what_stood_there(files: Path, tmp_path: Path) -> None:
    (files / "big.bin").write_bytes(os.urandom(1_000_001))
    (files / "link").symlink_to("run.sh")
    unpacked = tmp_path / "unpacked"
    packed(files).extractall(unpacked, filter="tar")
    for path in files.rglob("*"):
        there = unpacked / path.relative_to(files)
        assert there.lstat().st_mode == path.lstat().st_mode, path
        if path.is_symlink():
            assert there.readlink() == path.readlink()
        elif path.is_file():
            assert there.read_bytes() == path.read_bytes()
    assert len(list(unpacked.rglob("*"))) == len(list(files.rglob("*")))


def test_who_owns_the_files_here_and_when_they_were_written_is_not_sent(files: Path) -> None:
    found = packed(files).getmembers()
    assert {(each.uid, each.gid, each.uname, each.mtime) for each in found} == {(0, 0, "", 0)}


def test_memory_does_not_grow_with_the_context(files: Path) -> None:
    with (files / "big.bin").open("wb") as file:
        file.truncate(200_000_000)
    context = open_context(files, MUCH)
    assert isinstance(context, Context)
    tracemalloc.start()
    try:
        sent = sum(map(len, context))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 200_000_000
    assert peak < 4_000_000


def test_many_small_files_are_few_pieces(files: Path) -> None:
    for number in range(1_000):
        (files / f"{number}.txt").write_text("small")
    context = open_context(files, MUCH)
    assert isinstance(context, Context)
    assert len(list(context)) < 10


def test_what_links_lead_to_outside_is_not_packed(files: Path) -> None:
    (files / "shadow").symlink_to("/etc/shadow")
    (files / "etc").symlink_to("/etc")
    found = packed(files)
    assert found.getmember("shadow").issym()
    assert [name for name in found.getnames() if name.startswith("etc")] == ["etc"]


def test_pipes_and_sockets_are_left_out_and_hold_nothing_up(files: Path) -> None:
    os.mkfifo(files / "pipe")
    assert "pipe" not in packed(files).getnames()
    (files / "Dockerfile").unlink()
    os.mkfifo(files / "Dockerfile")  # one that never ends
    assert open_context(files, MUCH) == Failure(Cause.NO_DOCKERFILE, BuildStep.IMAGE)


def test_over_the_limit_nothing_is_opened(files: Path) -> None:
    (files / "big.bin").write_bytes(bytes(2_000_000))
    expected = Failure(Cause.TOO_LARGE, BuildStep.IMAGE, {"what": "context", "limit": "1"})
    assert open_context(files, 1_000_000) == expected


def test_what_has_grown_over_the_limit_since_then_ends_on_its_way(files: Path) -> None:
    context = open_context(files, 1_000_000)
    assert isinstance(context, Context)
    (files / "run.sh").write_bytes(bytes(2_000_000))
    with pytest.raises(OSError, match="grown over the limit"):
        list(context)
    assert context.failure is not None
    assert context.failure.cause is Cause.TOO_LARGE


def test_a_file_that_becomes_a_link_in_the_meantime_is_not_followed(files: Path) -> None:
    context = open_context(files, MUCH)
    assert isinstance(context, Context)
    (files / "run.sh").unlink()
    (files / "run.sh").symlink_to("/etc/passwd")
    assert b"root:" not in b"".join(context)
    with pytest.raises(OSError):
        _opened(files / "run.sh")


def test_a_file_that_goes_away_or_shrinks_in_the_meantime_ends_it(files: Path) -> None:
    context = open_context(files, MUCH)
    assert isinstance(context, Context)
    (files / "run.sh").unlink()
    with pytest.raises(FileNotFoundError):
        list(context)
    assert isinstance(context.error, FileNotFoundError)
    with (files / "empty").open("rb") as file, pytest.raises(OSError, match="shorter"):
        list(_exactly(file, 1, "empty"))


def test_whoever_does_not_want_it_any_more_ends_it(files: Path) -> None:
    with (files / "big.bin").open("wb") as file:
        file.truncate(10_000_000)
    context = open_context(files, MUCH)
    assert isinstance(context, Context)
    pieces = iter(context)
    next(pieces)
    context.stop()
    with pytest.raises(BrokenPipeError):
        list(pieces)
