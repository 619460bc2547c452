#!/usr/bin/env python3
"""The real program, whose system calls fail or which is killed at each of them: no crash, a reason, and the next start goes on.

strace counts the calls of each thread by itself and lets the n-th of them fail. LATTICE_EVERY_FAULT=1 tries every n, else evenly
spread ones are tried, which LATTICE_SEED chooses."""

import os
import random
import re
import shutil
import subprocess
import unittest

from case import NetCase, main
from netlab import block_hashes, free_port

BLOCKS = 40
# What brings bytes and names to the disk, what makes descriptors, and all that may say that a disk or a network is broken.
DISK = "write,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,rename,unlink,link,mkdir,chmod,fchmod,fchmodat"
MAKERS = "openat,socket,eventfd2,timerfd_create,epoll_create1,accept4,dup"
INPUT = "read,pread64,newfstatat,fstat,getdents64,epoll_ctl,recvmsg,sendmsg,connect,fcntl"
SECONDS_MAX = 30


def strace_works():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(strace_works(), "strace is not installed, or may not trace here")
class SystemFaults(NetCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("LATTICE_SEED") or random.randrange(2**32))
        print(f"LATTICE_SEED={self.seed}", flush=True)
        self.rng = random.Random(self.seed)
        self.runs = 0

    def traced(self, calls, injection, *arguments):
        argv = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", self.lab.folder / "trace", "-e", f"trace={calls}", "-e", f"inject={calls}:{injection}",
                str(self.lattice.program), *(str(word) for word in arguments)]
        self.runs += 1
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS_MAX,
                              cwd=self.lab.folder, check=False)

    def calls_made(self, calls, *arguments):
        """How many of these calls the busiest thread makes."""
        log = self.lab.folder / "calls"
        subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", f"trace={calls}", str(self.lattice.program), *map(str, arguments)],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX, cwd=self.lab.folder, check=True)
        by_thread = {}
        for line in log.read_text(errors="replace").splitlines():
            if re.match(r"\d+ +\w+\(", line):
                by_thread[line.split()[0]] = by_thread.get(line.split()[0], 0) + 1
        return max(by_thread.values())

    def places(self, total, count):
        if os.environ.get("LATTICE_EVERY_FAULT") or total <= count:
            return range(1, total + 1)
        return [self.rng.randrange(total * i // count, total * (i + 1) // count) + 1 for i in range(count)]

    def said_why(self, done, where):
        """Ended well, or with exit code 1 and a sentence: never by a signal, never without a reason, but where the reason itself was
        the call that failed."""
        self.assertIn(done.returncode, (0, 1), f"{where}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        unheard = re.search(r"writev?\(2, .*\(INJECTED\)", (self.lab.folder / "trace").read_text(errors="replace"))
        if done.returncode == 1 and not unheard:
            self.assertRegex(done.stderr, r"(?s)lattice: .+: .+", where)

    def test_keygen_is_killed_at_every_call(self):
        """A key that was named once stays; before that, the next run makes one."""
        calls = f"{DISK},openat"
        for at in self.places(self.calls_made(calls, "keygen", "--data", self.lab.folder / "first"), 40):
            data = self.lab.folder / f"killed{at}"
            done = self.traced(calls, f"signal=KILL:when={at}", "keygen", "--data", data)
            named = re.search(r"lat1\w+", done.stdout)
            first = self.lattice.make_identity(data)
            self.assertEqual(first, self.lattice.make_identity(data), f"call {at}")
            if named:
                self.assertEqual(named[0], first, f"call {at}, LATTICE_SEED={self.seed}")

    def test_keygen_with_failing_calls(self):
        calls = f"{DISK},{MAKERS},{INPUT}"
        total = self.calls_made(calls, "keygen", "--data", self.lab.folder / "first")
        for error in ("ENOSPC", "EIO", "EMFILE"):
            for at in self.places(total, 15):
                data = self.lab.folder / f"{error}{at}"
                where = f"{error} at call {at} of {total}, LATTICE_SEED={self.seed}"
                done = self.traced(calls, f"error={error}:when={at}", "keygen", "--data", data)
                if at > 40 or done.returncode != 127:  # 127: the linker of the system has not found a library
                    self.said_why(done, where)
                named = re.search(r"lat1\w+", done.stdout)
                later = self.lattice.make_identity(data)
                if named:
                    self.assertEqual(named[0], later, where)

    def test_no_folder_for_temporary_files(self):
        environment = {**os.environ, "TMPDIR": str(self.lab.folder / "missing")}
        done = subprocess.run([str(self.lattice.program), "keygen", "--data", self.lab.folder / "data"], env=environment,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_nobody_takes_the_output(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([str(self.lattice.program), "keygen", "--data", self.lab.folder / "data"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("lattice: the output could not be written: No space left on device", done.stderr)

    def import_with(self, calls, injection, chain, where):
        data = self.lab.folder / f"data{self.runs}"
        done = self.traced(calls, injection, "import", chain, "--chain", "bitcoin-regtest", "--data", data)
        again = self.lattice.run("import", chain, "--chain", "bitcoin-regtest", "--data", data, seconds_max=SECONDS_MAX, code=None)
        self.assertEqual(again.returncode, 0, f"{where}\n{again.stderr}")
        self.assertIn(f"tip {BLOCKS} {block_hashes(chain)[-1]}", again.stdout, where)
        shutil.rmtree(data)
        return done

    def test_import_is_killed_at_every_call(self):
        chain = self.chain(BLOCKS, 3000)
        total = self.calls_made(DISK, "import", chain, "--chain", "bitcoin-regtest", "--data", self.lab.folder / "first")
        self.assertGreater(total, BLOCKS)
        for at in self.places(total, 25):
            self.import_with(DISK, f"signal=KILL:when={at}", chain, f"killed at call {at} of {total}, LATTICE_SEED={self.seed}")

    def test_import_with_failing_calls(self):
        chain = self.chain(BLOCKS, 3000)
        for error, calls, count in (("ENOSPC", DISK, 15), ("EIO", f"{DISK},{INPUT}", 20), ("EMFILE", MAKERS, 15)):
            total = self.calls_made(calls, "import", chain, "--chain", "bitcoin-regtest", "--data", self.lab.folder / error)
            for at in self.places(total, count):
                for lasting in ("", "+"):
                    where = f"{error} at call {at}{lasting} of {total}, LATTICE_SEED={self.seed}"
                    done = self.import_with(calls, f"error={error}:when={at}{lasting}", chain, where)
                    if done.returncode != 127:
                        self.said_why(done, where) if not lasting or calls == MAKERS else self.assertGreater(done.returncode, -1, where)

    def test_a_node_with_failing_calls(self):
        """A fresh node syncs from a peer although calls fail; or it ends with a reason, and the next start syncs."""
        chain = self.chain(BLOCKS, 3000)
        server_data, port = self.lab.folder / "server", free_port()
        self.lattice.import_chain(chain, "bitcoin-regtest", server_data)
        self.lattice.node("server", "bitcoin-regtest", server_data, "--no-dns", listen=("127.0.0.1", port))
        options = ["node", "--chain", "bitcoin-regtest", "--no-listen", "--connect-only", f"127.0.0.1:{port}", "--until-synced",
                   "--timeout", 8]
        for error, calls, count in (("EIO", f"{DISK},pread64", 6), ("EMFILE", MAKERS, 12), ("ENOBUFS", "recvmsg,sendmsg,connect,socket", 6)):
            total = self.calls_made(calls, *options, "--data", self.lab.folder / f"first{error}")
            for at in self.places(total, count):
                where = f"{error} at call {at} of {total}, LATTICE_SEED={self.seed}"
                data = self.lab.folder / f"node{self.runs}"
                done = self.traced(calls, f"error={error}:when={at}", *options, "--data", data)
                if done.returncode != 127:
                    self.said_why(done, where)
                report = self.lab.folder / "report.json"
                again = self.lattice.node(f"again{self.runs}", "bitcoin-regtest", data, "--connect-only", f"127.0.0.1:{port}", report=report)
                self.assertEqual(again.report(20)["tip"], block_hashes(chain)[-1], where)


if __name__ == "__main__":
    raise SystemExit(main())
