#!/usr/bin/env python3
"""Keys of an operator: a passphrase, new keys that peers follow, and genesis peers from the environment, who prove who they are like anybody."""

import os

from case import NetCase, main
from netlab import block_hashes, chain_spec, free_port, REGTEST

PASSPHRASE = "correct horse battery staple"


class Keys(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(50)
        self.host, self.port = "127.0.0.2", free_port("127.0.0.2")
        self.spec = self.lab.folder / "chain.toml"
        self.spec.write_text(chain_spec(REGTEST, self.port), encoding="utf-8")
        self.data = self.lab.folder / "seed"
        self.lattice.import_chain(self.file, self.spec, self.data)
        self.words = self.lab.folder / "words"
        self.words.write_text(PASSPHRASE + "\n", encoding="utf-8")
        self.other_words = self.lab.folder / "other words"
        self.other_words.write_text(PASSPHRASE + "!\n", encoding="utf-8")
        for file in (self.words, self.other_words):
            os.chmod(file, 0o600)
        self.first = self.lattice.make_identity(self.data)
        self.place = f"{self.host}:{self.port}"

    def keygen(self, *options, code=0):
        return self.lattice.run("keygen", "--data", self.data, *options, code=code)

    def seed(self, name="seed", *options, **more):
        return self.lattice.node(name, self.spec, self.data, "--no-dns", *options, listen=(self.host, self.port), **more)

    def fresh(self, name, *options, **more):
        report = self.lab.folder / f"{name}.json"
        return self.lattice.node(name, self.spec, self.lab.folder / name, "--in-memory", *options, report=report, **more)

    def test_new_keys_are_followed_and_the_passphrase_is_needed(self):
        self.keygen("--new-passphrase-file", self.words)
        second = self.keygen("--passphrase-file", self.words, "--rotate").stdout.strip()
        self.assertNotEqual(second, self.first)
        # Without the passphrase nobody is this node, and nothing is replaced.
        locked = self.lattice.run("node", "--chain", self.spec, "--data", self.data, "--no-dns", "--no-listen", code=1)
        self.assertIn("sealed with a passphrase", locked.stderr)
        wrong = self.keygen("--passphrase-file", self.other_words, code=1)
        self.assertIn("not the one it was sealed with", wrong.stderr)
        seed = self.seed(env={"LATTICE_PASSPHRASE": PASSPHRASE})
        self.assertNotIn(PASSPHRASE, open(f"/proc/{seed.process.pid}/environ", encoding="utf-8", errors="replace").read())
        self.assertIn(second, seed.process.output())
        # Whoever expects the old identity is shown the statement, and from then on expects the new one.
        report = self.fresh("follower", "--connect-only", f"{self.first}@{self.place}", "--timeout", "60").report(90)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        self.assertEqual([peer["node_id"] for peer in report["peers"]], [second])
        self.assertIn(f"before={self.first}", (self.lab.folder / "follower.log").read_text(encoding="utf-8"))

    def test_somebody_else_is_not_followed(self):
        other = self.lattice.make_identity(self.lab.folder / "other")
        self.seed()
        node = self.fresh("stranger", "--connect-only", f"{other}@{self.place}", "--timeout", "6")
        self.assertEqual(node.process.wait(30), 1)
        self.assertIn("wrong_identity", node.process.output())
        self.assertNotIn("peer_connected", node.process.output())

    def test_a_genesis_peer_is_found_and_proves_who_it_is(self):
        certificate = self.keygen("--certificate").stdout.strip()
        self.seed()
        good = {"QNET_GENESIS_CERT_A": certificate, "QNET_BOOTSTRAP_ID": f"{self.first}@{self.place}"}
        report = self.fresh("genesis", "--no-dns", "--timeout", "60", env=good).report(90)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        self.assertEqual([peer["source"] for peer in report["peers"]], ["bootstrap"])
        # Somebody else at a genesis peer's address: not authenticated, not used (row T6).
        other = self.lattice.make_identity(self.lab.folder / "other")
        node = self.fresh("impostor", "--no-dns", "--timeout", "8", env={"QNET_BOOTSTRAP_ID": f"{other}@{self.place}"})
        self.assertEqual(node.process.wait(40), 1)
        self.assertIn("wrong_identity", node.process.output())
        self.assertNotIn("peer_connected", node.process.output())

    def test_a_bad_value_keeps_the_node_from_starting(self):
        certificate = self.keygen("--certificate").stdout.strip()
        end = "B" if certificate[-40] != "B" else "C"
        values = {"QNET_GENESIS_CERT_1": certificate[:-40] + end + certificate[-39:], "QNET_GENESIS_CERT_2": "nonsense", "QNET_GENESIS_CERT_3": "@/nowhere",
                  "QNET_BOOTSTRAP_ID": self.place}
        for variable, value in values.items():
            node = self.fresh("bad", "--no-dns", "--timeout", "30", env={variable: value})
            self.assertEqual(node.process.wait(20), 1)
            self.assertIn(variable, node.process.output())
            self.assertNotIn("node_started", node.process.output())


if __name__ == "__main__":
    raise SystemExit(main())
