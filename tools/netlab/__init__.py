"""Real processes on loopback, for ./dev demo and tests/net: a DNS server, lattice nodes, chains, and chain specs.

Everything that is started is ended, by its id: when the Lab is left, and by the kernel when we are killed.
"""

from .knot import Knot, zone_text
from .lab import Lab, LabError, Process, free_port, listens, wait_until
from .lattice import MAINNET_PART, REGTEST, Lattice, Node, block_hashes, chain_spec
from .namespaces import Host, Hosts, NotHere, inside
from .seeds import ZONE, SeedNetwork

__all__ = ["Host", "Hosts", "Knot", "Lab", "LabError", "Lattice", "MAINNET_PART", "Node", "NotHere", "Process", "REGTEST", "SeedNetwork", "ZONE", "block_hashes",
           "chain_spec", "free_port", "inside", "listens", "wait_until", "zone_text"]
