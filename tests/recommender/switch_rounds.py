"""Kill `recommend use` before each of its steps, one after the other, and say what is in service afterwards.

    python switch_rounds.py MODELS OLD NEW

A step is a line of recommender/store.py. Each try is a process of its own, made by fork, that is killed (SIGKILL) just
before one line; the first try that lives to its end is the last. Prints one JSON list: the version in service after each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from recommender import store


def killed_before(step: int, folder: Path, version: str) -> bool:
    """Put the version into service in another process that dies before the given line; whether it died."""
    child = os.fork()
    if child == 0:
        left = [step]

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename != store.__file__:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        store.put_in_service(folder, version)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise SystemExit("the switch failed")
    return os.WIFSIGNALED(status)


def main(folder: Path, old: str, new: str) -> None:
    """Try every step; the old version is put back before each."""
    found, step, died = [], 0, True
    while died:
        for left in folder.glob(".current-*"):  # or each try would have more to look at than the one before
            left.unlink()
        store.switch(folder, old)
        died = killed_before(step, folder, new)
        found.append(store.read_version(folder)[0])
        step += 1
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
