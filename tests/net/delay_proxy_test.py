#!/usr/bin/env python3
"""The delay proxy keeps what its configuration says, measured with the kernel's own UDP and TCP; and two nodes sync through the worst
weather that the threats name (docs/THREATS.md 47)."""

import contextlib
import hashlib
import math
import os
import socket
import statistics
import threading
import time

from case import NetCase, main

from netlab import REGTEST, Hosts, NotHere, block_hashes, chain_spec, inside

PORT = 5000
HEADERS = 20 + 8   # IPv4, UDP
ETHERNET = 14      # counted by the proxy for each packet
RENO = {"tcp_congestion_control": "reno"}  # always in the kernel; others are modules


class HostsCase(NetCase):
    def hosts(self, count=2, kernel=None):
        try:
            hosts = Hosts(self.lab, count, kernel)
        except NotHere as reason:
            self.skipTest(str(reason))
        self.addCleanup(hosts.close)
        return hosts

    def socket(self, host, kind, port=PORT):
        with inside(host.fd):
            made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind((host.address, port))
        made.settimeout(20)
        self.addCleanup(made.close)
        return made


@contextlib.contextmanager
def ahead_of_others():
    """This thread is woken before the machine's other work: what is measured is the line, not the load."""
    own = os.sched_getscheduler(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, own, os.sched_param(0))


def numbered(count, size):
    return [number.to_bytes(4, "big") * (size // 4) for number in range(count)]


class DelayProxy(HostsCase):
    @staticmethod
    def echo(far, count):
        with ahead_of_others():
            for _ in range(count):
                far.sendto(*far.recvfrom(100))

    def round_trips(self, milliseconds, count):
        """In milliseconds, sorted."""
        hosts = self.hosts()
        hosts.start_proxy([[0, milliseconds * 1000], [milliseconds * 1000, 0]])
        near, far = (self.socket(host, socket.SOCK_DGRAM) for host in hosts)
        threading.Thread(target=self.echo, args=(far, count), daemon=True).start()
        times = []
        with ahead_of_others():
            for _ in range(count):
                began = time.monotonic()
                near.sendto(b"ping", (hosts[1].address, PORT))
                near.recv(100)
                times.append((time.monotonic() - began) * 1000)
        report = hosts.stop_proxy()
        self.assertEqual((report["packets_in"], report["packets_out"]), (2 * count, 2 * count))
        return sorted(times)

    def test_round_trip(self):
        # Not the median: where the machine has other work, it is the scheduler's delay that the later half shows. And what it takes
        # with no delay at all, through each wake-up on the way, is the machine's and not the proxy's.
        without = statistics.quantiles(self.round_trips(0, 150), n=4)[0]
        for milliseconds, count in ((20, 150), (300, 5)):
            times = self.round_trips(milliseconds, count)
            self.assertGreaterEqual(times[0], milliseconds)
            self.assertAlmostEqual(statistics.quantiles(times, n=4)[0] - without, milliseconds, delta=max(1, 0.03 * milliseconds))

    def through(self, hosts, datagrams, seconds_quiet=0.5):
        """Sends them from host 0 to host 1, a little apart: what came, in its order, and when."""
        near, far = self.socket(hosts[0], socket.SOCK_DGRAM), self.socket(hosts[1], socket.SOCK_DGRAM)
        came = []

        def receive():
            far.settimeout(seconds_quiet)
            try:
                while True:
                    came.append((far.recv(2000), time.monotonic()))
            except TimeoutError:
                pass

        receiver = threading.Thread(target=receive)
        receiver.start()
        for number, datagram in enumerate(datagrams):
            near.sendto(datagram, (hosts[1].address, PORT))
            if number % 20 == 19:
                time.sleep(0.002)
        receiver.join()
        near.close()
        far.close()
        return came

    def decisions(self, seed, weather, count):
        hosts = self.hosts()
        hosts.start_proxy([[0, 10_000], [10_000, 0]], weather, seed)
        came = [int.from_bytes(datagram[:4], "big") for datagram, _ in self.through(hosts, numbered(count, 40))]
        return came, hosts.stop_proxy()

    def test_loss_duplicates_and_order_are_as_configured_and_of_the_seed(self):
        weather, count = {"loss": 0.1, "duplicate": 0.05, "reorder": 0.2, "reorder_ms": 5}, 4000
        came, report = self.decisions(7, weather, count)
        lost = count - len(set(came))

        def interval(share, trials):
            return 4 * math.sqrt(trials * share * (1 - share))

        self.assertAlmostEqual(lost, 0.1 * count, delta=interval(0.1, count))
        self.assertAlmostEqual(len(came) - len(set(came)), 0.05 * (count - lost), delta=interval(0.05, count))
        self.assertAlmostEqual(report["reordered"], 0.2 * (count - lost), delta=interval(0.2, count))
        self.assertEqual(report["lost"], lost)
        overtaken = sum(later < earlier for earlier, later in zip(came, came[1:]))
        self.assertGreater(overtaken, 100)
        again, _ = self.decisions(7, weather, count)
        self.assertEqual(sorted(again), sorted(came))  # the same ones are lost and doubled
        other, _ = self.decisions(8, weather, count)
        self.assertNotEqual(sorted(other), sorted(came))

    def test_without_weather_nothing_is_lost_and_the_order_stays(self):
        came, _ = self.decisions(1, {"jitter_ms": 4}, 1000)
        self.assertEqual(came, list(range(1000)))

    def test_rate_and_a_queue_with_an_end(self):
        rate, size, queue = 500_000, 1000, 100_000
        hosts = self.hosts()
        hosts.start_proxy([[0, 10_000], [10_000, 0]], lines={"up": rate, "queue": queue})
        came = self.through(hosts, numbered(700, size))
        seconds = came[-1][1] - came[0][1]
        measured = (len(came) - 1) * (size + HEADERS + ETHERNET) / seconds
        self.assertAlmostEqual(measured / rate, 1, delta=0.05)
        report = hosts.stop_proxy()
        self.assertEqual(len(came) + report["dropped_up"], 700)
        self.assertGreater(report["dropped_up"], 100)
        self.assertLessEqual(report["bytes_under_way_peak"], queue + 0.1 * rate)

    def test_nobody_above_udp_or_tcp_sees_a_flipped_bit(self):
        hosts = self.hosts(kernel=RENO)
        hosts.start_proxy([[0, 4_000], [4_000, 0]], {"corrupt": 0.05, "duplicate": 0.02, "reorder": 0.05, "reorder_ms": 2}, seed=3)
        sent = numbered(2000, 200)
        came = self.through(hosts, sent)
        self.assertLessEqual({datagram for datagram, _ in came}, set(sent))
        missing = 2000 - len({datagram for datagram, _ in came})
        self.assertAlmostEqual(missing, 100, delta=40)

        data = bytes(range(256)) * 4096
        listener = self.socket(hosts[1], socket.SOCK_STREAM)
        listener.listen()
        digest = []

        def receive():
            taken, _ = listener.accept()
            whole = hashlib.sha256()
            with taken:
                while part := taken.recv(65536):
                    whole.update(part)
            digest.append(whole.hexdigest())

        receiver = threading.Thread(target=receive)
        receiver.start()
        caller = self.socket(hosts[0], socket.SOCK_STREAM)
        caller.connect((hosts[1].address, PORT))
        caller.sendall(data)
        caller.close()
        receiver.join()
        self.assertEqual(digest, [hashlib.sha256(data).hexdigest()])
        self.assertGreater(hosts.stop_proxy()["corrupted"], 100)

    def test_unknown_addresses_are_dropped_and_wrong_configurations_refused(self):
        hosts = self.hosts()
        hosts.start_proxy([[0, 1000], [1000, 0]])
        near, _far = (self.socket(host, socket.SOCK_DGRAM) for host in hosts)
        near.sendto(b"nobody", ("11.200.0.1", PORT))
        near.sendto(b"somebody", (hosts[1].address, PORT))
        time.sleep(0.2)
        report = hosts.stop_proxy()
        self.assertEqual((report["unknown"], report["packets_in"]), (1, 1))
        with self.assertRaisesRegex(Exception, "unknown key"):
            hosts.start_proxy([[0, 1000], [1000, 0]], {"los": 0.1})
        with self.assertRaisesRegex(Exception, "no square"):
            hosts.start_proxy([[0, 1000], [1000]])

    def test_ends_by_itself(self):
        hosts = self.hosts()
        hosts.start_proxy([[0, 1000], [1000, 0]], seconds=0.3)
        self.assertEqual(hosts.proxy.wait(10), 0)


class WorstWeather(HostsCase):
    """THREATS 47."""

    def test_sync_completes(self):
        blocks = 5
        chain = self.chain(blocks)
        hosts = self.hosts(4, RENO)
        # A dial takes a round trip and each lost packet of it three seconds and more; a handshake takes ten packets.
        tail = "connection_timeout = 30\n[limits]\nhandshake_timeout = 60\nrequest_timeout = 60\n"
        spec = self.lab.folder / "chain.toml"
        spec.write_text(chain_spec(REGTEST, 8400, tail=tail), encoding="utf-8")
        trips = [[2_000_000] * len(hosts) for _ in range(len(hosts))]
        hosts.start_proxy(trips, {"loss": 0.3, "reorder": 0.25, "corrupt": 0.01}, seed=47)
        peers = []
        for host in list(hosts)[1:]:
            data = self.lattice.import_chain(chain, spec, self.lab.folder / host.name)
            self.lattice.node(host.name, spec, data, "--connect-only", listen=(host.address, 8400), namespace=host.fd)
            peers += ["--connect", f"{host.address}:8400"]
        fresh = self.lattice.node("fresh", spec, self.lab.folder / "fresh", "--connect-only", *peers, report=self.lab.folder / "fresh.json",
                                  namespace=hosts[0].fd)
        report = fresh.report(480)
        self.assertEqual(report["tip"], block_hashes(chain)[-1])
        self.assertGreater(hosts.stop_proxy()["lost"], 20)


if __name__ == "__main__":
    raise SystemExit(main())
