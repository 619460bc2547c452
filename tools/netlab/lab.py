"""A folder, processes and ports, with an end."""

import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something real did not work: what, and the last words of who said why."""


def wait_until(condition, seconds_max, what):
    """The first true value of condition(); LabError where it takes too long."""
    deadline = time.monotonic() + seconds_max
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {seconds_max} s")
        time.sleep(0.02)


def can_bind(host, port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def free_port(*hosts):
    """A port that is free on each of the addresses, below those that the kernel gives to outgoing connections."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if all(can_bind(host, port) for host in hosts or ("127.0.0.1",)):
            return port
    raise LabError("no free port on loopback")


def listens(host, port, pid="self"):
    """Whether someone listens there, in the network of that process, asked of the kernel: no connection is made."""
    wanted = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in list(table)[1:])


CLONE_NEWNET = 0x40000000


def begin_child(namespace, niceness):
    """Between fork and exec: dies with us, and lives in a network namespace where one is given (a descriptor)."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if niceness:
        os.nice(niceness)
    if namespace is not None and LIBC.setns(namespace, CLONE_NEWNET) != 0:
        os._exit(126)


class Process:
    """A child with its output in a file (or, with log None, on our own), in a network namespace where a descriptor of one is given."""

    def __init__(self, name, argv, log=None, env=None, cwd=None, namespace=None, niceness=0):
        self.name, self.log = name, log
        argv = [str(word) for word in argv]
        output = open(log, "wb") if log else None
        try:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT if log else None,
                                          env={**os.environ, **(env or {})}, cwd=cwd,
                                          preexec_fn=lambda: begin_child(namespace, niceness))
        except OSError as error:
            raise LabError(f"{argv[0]} cannot be run: {error.strerror}") from None
        finally:
            if output:
                output.close()

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def output(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace") if self.log else ""

    def last_words(self, lines=15):
        return "\n".join(self.output().splitlines()[-lines:])

    def wait(self, seconds_max):
        """The exit code; LabError, and the process is gone, where it takes too long."""
        try:
            return self.child.wait(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"{self.name} did not end within {seconds_max} s\n{self.last_words()}") from None

    def kill(self):
        self.child.kill()
        self.child.wait()

    def stop(self, seconds_max=10):
        """Asks first. The exit code."""
        if self.running():
            self.child.terminate()
            try:
                self.child.wait(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.child.returncode


class Lab:
    """with Lab() as lab: a folder (where none is given one of its own, removed at the end), and what was started in it."""

    def __init__(self, folder=None):
        self.processes, self.temporary = [], []
        self.folder = pathlib.Path(folder) if folder else self.temporary_folder("lattice-lab-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        # Ask all, then wait for each: four nodes close their stores at once.
        for process in self.processes:
            if process.running():
                process.child.terminate()
        for process in self.processes:
            process.stop()
        self.processes.clear()
        for folder in self.temporary:
            shutil.rmtree(folder, ignore_errors=True)

    def temporary_folder(self, prefix):
        self.temporary.append(pathlib.Path(tempfile.mkdtemp(prefix=prefix)))
        return self.temporary[-1]

    def start(self, name, argv, **options):
        process = Process(name, argv, log=self.folder / f"{name}.log", **options)
        self.processes.append(process)
        return process

    def start_here(self, name, argv, **options):
        """Its output is ours: a terminal stays a terminal."""
        process = Process(name, argv, **options)
        self.processes.append(process)
        return process

    def wait_ready(self, process, ready, seconds_max):
        def condition():
            if not process.running():
                raise LabError(f"{process.name} ended with exit code {process.child.returncode}\n{process.last_words()}")
            return ready()
        return wait_until(condition, seconds_max, f"{process.name} is not ready\n{process.last_words()}")
