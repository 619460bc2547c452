"""Hosts of their own: a network namespace each, with one TUN device, joined by build/delay_proxy.

The namespaces have no names: only this process holds them, so that the kernel removes them with it, however it ends. Processes are
started inside by setns between fork and exec.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import subprocess
import threading

from .lab import CLONE_NEWNET, LIBC, LabError

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEVICE = "lat0"
MTU = 1500


class NotHere(Exception):
    """This machine (or container) has no namespaces or no TUN: a sentence for who reads that a test was skipped."""


def enter(fd):
    """This thread's network is that of the namespace."""
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(fd):
    """with inside(host.fd): sockets that this thread makes belong to that host, and stay there."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(fd)
        yield
    finally:
        enter(own)
        os.close(own)


def new_namespace():
    """A descriptor of a fresh namespace. Made in a thread of its own: the caller's network stays."""
    made = []

    def make():
        if LIBC.unshare(CLONE_NEWNET) == 0:
            made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        else:
            made.append(OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno())))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise NotHere(f"network namespaces cannot be made here ({made[0].strerror}); this needs root with CAP_SYS_ADMIN")
    return made[0]


def need_namespaces():
    """NotHere, with the reason, where this machine cannot do what Hosts needs."""
    if not os.path.exists("/dev/net/tun"):
        raise NotHere("there is no /dev/net/tun here: the kernel's TUN device is needed")
    fd = new_namespace()
    try:
        with inside(fd):
            done = subprocess.run(["ip", "tuntap", "add", "dev", DEVICE, "mode", "tun"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotHere("the program ip is not here: install the package iproute2") from None
    finally:
        os.close(fd)
    if done.returncode:
        raise NotHere(f"a TUN device cannot be made here: {done.stderr.strip()}")


class Host:
    def __init__(self, number):
        self.number, self.name = number, f"h{number}"
        # A /16 each: nodes count address groups. Nothing of these addresses leaves the namespaces.
        self.address = f"11.{number + 1}.0.1" if number < 254 else f"12.{number - 253}.0.1"
        self.fd = new_namespace()

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def ip(self, *lines):
        with inside(self.fd):
            done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"ip in {self.name}: {done.stderr.strip()}")

    def set_kernel(self, settings):
        """{"tcp_congestion_control": "reno"}: of this namespace's net.ipv4."""
        with inside(self.fd):
            for name, value in settings.items():
                # thread-self: /proc/sys/net is that of the thread that opens it.
                pathlib.Path("/proc/sys/net/ipv4", name).write_text(f"{value}\n", encoding="ascii")

    def set_up(self):
        # IPv6 would speak unasked (router solicitations); the tests count packets.
        with inside(self.fd), contextlib.suppress(OSError):
            pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1\n", encoding="ascii")
        self.ip("link set lo up", f"tuntap add dev {DEVICE} mode tun", f"addr add {self.address}/32 dev {DEVICE}",
                f"link set {DEVICE} mtu {MTU} txqueuelen 10000 up", f"route add default dev {DEVICE}")


class Hosts:
    """
    with Hosts(lab, 2) as hosts: `count` namespaces; hosts.start_proxy(...) joins them.
    The lab ends the processes; the namespaces end with this object, or with the process.
    """

    def __init__(self, lab, count, kernel=None):
        need_namespaces()
        self.lab, self.proxy, self.proxies = lab, None, 0
        self.hosts = []
        try:
            for number in range(count):
                self.hosts.append(Host(number))
                self.hosts[-1].set_up()
                self.hosts[-1].set_kernel(kernel or {})
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getitem__(self, number):
        return self.hosts[number]

    def __len__(self):
        return len(self.hosts)

    def close(self):
        for host in self.hosts:
            os.close(host.fd)
        self.hosts = []

    def start_proxy(self, delays, weather=None, seed=1, seconds=600, lines=None, program=None):
        """
        delays   a square of round trips in microseconds, or a file of one (then cities are drawn from the seed)
        lines    {"up": bytes a second, "down": ..., "queue": bytes} of every host, or a list of those
        """
        program = pathlib.Path(program or os.environ.get("LATTICE_DELAY_PROXY") or ROOT / "build" / "delay_proxy")
        if not os.access(program, os.X_OK):
            raise LabError(f"{program} is not here: ./dev build makes it")
        lines = lines or {}
        inline = not isinstance(delays, (str, pathlib.Path))
        config = {"seed": seed, "delays": delays if inline else str(delays), "weather": weather or {}, "hosts": [
            {"name": host.name, "namespace": host.path, "device": DEVICE, "address": host.address,
             **({"city": host.number} if inline else {}), **(lines[host.number] if isinstance(lines, list) else lines)}
            for host in self.hosts]}
        self.proxies += 1
        name = f"proxy{self.proxies}"
        file = self.lab.folder / f"{name}.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        self.proxy = self.lab.start(name, [program, file, "--seconds", seconds])
        self.lab.wait_ready(self.proxy, lambda: '"ready"' in self.proxy.output(), 20)

    def stop_proxy(self):
        """Its report. The namespaces stay, joined by nothing."""
        code = self.proxy.stop()
        if code != 0:
            raise LabError(f"delay_proxy ended with exit code {code}\n{self.proxy.last_words()}")
        return json.loads(self.proxy.output().splitlines()[-1])
