"""Who watches while an input is read: what is opened for writing, moved, deleted, imported or started, and what it takes."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.fuzzing.damage import MODULE

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn", "os.startfile")
LOADING = ("pickle.find_class", "ctypes.dlopen", "code.__new__", "socket.connect", "socket.bind", "urllib.Request", "webbrowser.open")
CHANGING = {
    "os.remove": 1,
    "os.rename": 2,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.mkfifo": 1,
    "os.mknod": 1,
    "os.setxattr": 1,
    "shutil.rmtree": 1,
    "shutil.move": 2,
}
"""Events of things done to files, and how many of their arguments are paths."""


class Hang(BaseException):
    """It took too long; no error that anybody catches."""


@dataclass
class Watch:
    """Notes what is forbidden, from when it is entered until it is left. There is one in a process, since nobody can take its hook away."""

    allowed: tuple[Path, ...]
    """The folders in which things may be written."""
    secret: Path
    """A folder that may not even be read."""
    on: bool = False
    seen: list[str] = field(default_factory=list)
    """What was forbidden and happened all the same."""

    def start(self) -> None:
        """Listen to all that the interpreter tells, once what others have left is cleared away."""
        gc.collect()
        sys.addaudithook(self._hear)

    @contextmanager
    def over(self, seconds: float) -> Iterator[dict[str, float]]:
        """Watch the block; gives its seconds of computing and the bytes by which memory peaked. `Hang` after so many seconds in all."""
        taken: dict[str, float] = {}
        before = _reset_peak()
        signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        self.seen, self.on, began = [], True, time.process_time()
        try:
            yield taken
        finally:
            self.on = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            taken["seconds"], taken["bytes"] = time.process_time() - began, _peak() - before

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & WRITING) or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
            if isinstance(path, str | bytes | os.PathLike):
                self._look("opened for writing" if writes else "read", path, writes, follow=True)
        elif event in CHANGING:
            for path in arguments[: CHANGING[event]]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._look(event, path, True, follow=event in ("os.truncate", "os.chmod", "os.chown", "os.utime"))
        elif event in STARTING or event in LOADING:
            self.seen.append(f"{event} {str(arguments)[:200]}")
        elif event == "import" and str(arguments[0]).partition(".")[0] == MODULE:
            self.seen.append(f"import of {arguments[0]}")

    def _look(self, what: str, path: str | bytes | os.PathLike, writes: bool, follow: bool) -> None:
        """Note what happens outside the folder."""
        plain = os.fsdecode(path)
        folder, name = os.path.split(os.path.abspath(plain))
        real = os.path.realpath(plain) if follow else os.path.join(os.path.realpath(folder), name)
        if real == "/dev/null":
            return
        if (writes and not any(_within(real, folder) for folder in self.allowed)) or _within(real, self.secret):
            self.seen.append(f"{what}: {real}")


def _within(path: str, folder: Path) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _ring(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Hang("it took too long")


def _reset_peak() -> int:
    """Forget the highest memory so far; bytes now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Bytes of memory, at the highest since it was last reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0
