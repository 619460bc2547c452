"""Seed nodes on 127.0.0.2, 127.0.0.3, ... that hold one chain, and a zone that names them."""

import concurrent.futures
import shutil

from .knot import Knot, zone_text
from .lab import free_port
from .lattice import REGTEST, chain_spec

ZONE = "seeds.test"


class SeedNetwork:
    """
    lattice     the program
    chain       a blk file that every seed imports
    count       how many seeds
    operators   with any, the zone carries a list signed by all of them, and the spec demands it
    head, tail  of the chain spec
    """

    def __init__(self, lattice, chain, count=4, operators=0, head=REGTEST, tail="", say=lambda words: None):
        self.lattice, self.lab, self.chain, self.say = lattice, lattice.lab, chain, say
        self.head, self.tail = head, tail
        self.hosts = [f"127.0.0.{number}" for number in range(2, 2 + count)]
        self.port = free_port(*self.hosts)
        self.keys = [self.lab.folder / f"operator{number}.key" for number in range(operators)]
        for key in self.keys:
            key.unlink(missing_ok=True)  # of an earlier run in this folder: keys are not overwritten by the program
        self.operators = [lattice.make_operator(key) for key in self.keys]
        self.spec = self.write_spec("chain.toml", [(ZONE, self.operators, len(self.operators))])
        self.data = [self.lab.folder / f"seed{number}" for number in range(1, count + 1)]
        self.nodes, self.identities, self.knot = [], [], None

    def write_spec(self, name, seeds):
        file = self.lab.folder / name
        file.write_text(chain_spec(self.head, self.port, seeds, self.tail), encoding="utf-8")
        return file

    def fill(self):
        """Each seed gets its identity and the chain."""
        for data in self.data:
            shutil.rmtree(data, ignore_errors=True)
        self.identities = [self.lattice.make_identity(data) for data in self.data]
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda data: self.lattice.import_chain(self.chain, self.spec, data), self.data))

    def start(self, which=None):
        """Each knows those after it, so that the first ones can tell of the rest. The last starts first: who is dialled is there."""
        for number in reversed(range(len(self.hosts)) if which is None else which):
            later = [word for host in self.hosts[number + 1:] for word in ("--connect", f"{host}:{self.port}")]
            self.nodes.insert(0, self.lattice.node(f"seed{number + 1}", self.spec, self.data[number], "--no-dns", *later,
                                                   listen=(self.hosts[number], self.port)))

    def seed_list(self, listed, **options):
        entries = [(self.identities[number], self.hosts[number], self.port) for number in listed]
        return self.lattice.sign_seeds(self.spec, self.keys, entries, **options)

    def crawled_zone(self, begin=-1, seconds_max=60):
        """The zone that `lattice crawl` writes when it has been told of one seed: the last, which has seen all the others come."""
        file = self.lab.folder / "zone.crawled"
        keys = [word for key in self.keys for word in ("--sign-key", key)]
        self.lattice.run("crawl", "--chain", self.spec, "--zone", file, "--once", "--for", seconds_max - 10, "--no-dns", "--ttl", 5,
                         "--ns-address", "127.0.0.1", "--connect", f"{self.hosts[begin]}:{self.port}", *keys, seconds_max=seconds_max)
        return file.read_text(encoding="ascii")

    def zone(self, addresses=(), services=(), texts=(), serial=1):
        """Seeds by number: `addresses` as A at the name, `services` as SRV."""
        return zone_text(ZONE, [self.hosts[number] for number in addresses],
                         [(self.hosts[number], self.port) for number in services], texts, serial)

    def serve(self, zone):
        self.knot = Knot(self.lab, ZONE, zone)

    def fresh(self, name="fresh", *options, spec=None, data=None, here=False):
        """A node that knows a chain spec and a DNS server, and ends when it is synced."""
        return self.lattice.node(name, spec or self.spec, data or self.lab.folder / name, "--dns-server", self.knot.server, *options,
                                 report=self.lab.folder / f"{name}.json", here=here)
