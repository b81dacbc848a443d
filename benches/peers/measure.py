"""Runs a program on some cores and tells what it used; the programs of a comparison take turns."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Used:
    """What one process used: CPU and wall in seconds, memory at its peak in bytes."""

    cpu: float
    wall: float
    peak: int


@dataclass
class Contender:
    """A program that takes part: its command on the data, on next to no data, and what comes before each go."""

    name: str
    words: list
    start_up: list = None
    before: callable = None
    cores: int = 1
    rounds: list = field(default_factory=list)
    start_ups: list = field(default_factory=list)

    def go(self):
        if self.before:
            self.before()
        self.rounds.append(used(self.words, self.cores))

    def start(self):
        if self.start_up:
            self.start_ups.append(used(self.start_up, self.cores))

    def cpu(self):
        return self.all_cpu() - lowest(used.cpu for used in self.start_ups)

    def all_cpu(self):
        return lowest(used.cpu for used in self.rounds)

    def spread(self):
        """How far the rounds lie apart, as a share of the lowest."""
        all_cpu = [used.cpu for used in self.rounds]
        return (max(all_cpu) - min(all_cpu)) / self.all_cpu()

    def wall(self):
        return lowest(used.wall for used in self.rounds)

    def peak(self):
        return max(used.peak for used in self.rounds)


def lowest(values):
    """What others do on the machine only ever adds."""
    return min(values, default=0.0)


def used(words, cores=1, environment=None):
    """Runs a command to its end on the first cores; its time is that of the whole process."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    begun = time.monotonic()
    child = subprocess.Popen(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"`{' '.join(map(str, words))}` ended with {child.returncode}")
    return Used(usage.ru_utime + usage.ru_stime, time.monotonic() - begun, usage.ru_maxrss * 1024)


def take_turns(contenders, rounds):
    for contender in contenders:
        # The first start of a program reads it from disk.
        if contender.start_up:
            used(contender.start_up, contender.cores)
    for number in range(rounds):
        for contender in contenders:
            contender.start()
            contender.go()
            last = contender.rounds[-1]
            print(f"  round {number + 1}: {contender.name}: {last.cpu:.2f} s, {last.peak / 1e6:.0f} MB", flush=True)
    return contenders
