#!/usr/bin/env python3
"""The command line: what each option changes, and how a wrong one is answered."""

import time

from case import NetCase, main
from netlab import REGTEST, Knot, SeedNetwork, block_hashes, free_port, zone_text


class Discovery(NetCase):
    def setUp(self):
        super().setUp()
        self.file = self.chain(50)
        self.network = SeedNetwork(self.lattice, self.file, count=2)
        self.network.fill()
        self.network.start()
        self.network.serve(self.network.zone(addresses=[0]))

    def place(self, number):
        return f"{self.network.hosts[number]}:{self.network.port}"

    def sync(self, *options, spec=None):
        report = self.network.fresh("fresh", *options, spec=spec).report(30)
        self.assertEqual(report["tip"], block_hashes(self.file)[-1])
        return report

    def test_connect_only_asks_nobody_else(self):
        report = self.sync("--connect-only", "--connect", self.place(1))
        self.assertEqual({peer["address"] for peer in report["peers"]}, {self.place(1)})
        self.assertEqual(report["dns"], [])

    def test_connect_adds_a_peer_to_those_of_dns(self):
        report = self.sync("--connect", self.place(1))
        sources = {peer["address"]: peer["source"] for peer in report["peers"]}
        self.assertEqual(sources[self.place(1)], "operator")
        self.assertEqual(len(report["dns"]), 1)

    def test_no_dns(self):
        report = self.sync("--no-dns", "--connect", self.place(0))
        self.assertEqual(report["dns"], [])

    def test_a_banned_address_is_not_asked(self):
        self.network.serve(self.network.zone(addresses=[0, 1]))
        report = self.sync("--ban", self.network.hosts[0] + "/32")
        self.assertEqual({peer["address"] for peer in report["peers"]}, {self.place(1)})

    def test_dns_seed_beside_the_specs(self):
        empty = self.network.write_spec("no-seeds.toml", [])
        report = self.sync("--dns-seed", "seeds.test", spec=empty)
        self.assertEqual([answer["name"] for answer in report["dns"]], ["seeds.test"])

    def test_in_memory_leaves_no_chain_behind(self):
        data = self.lab.folder / "fresh"
        report = self.sync("--in-memory")
        self.assertEqual(report["height"], 50)
        self.assertFalse((data / "chains").exists())

    def test_a_second_node_on_one_folder_is_refused(self):
        done = self.lattice.run("node", "--chain", self.network.spec, "--data", self.network.data[0], "--no-dns", code=1, seconds_max=20)
        self.assertIn(str(self.network.data[0]), done.stderr)

    def test_an_address_in_use_is_refused(self):
        done = self.lattice.run("node", "--chain", self.network.spec, "--data", self.lab.folder / "x", "--no-dns", "--listen", self.place(0),
                                code=1, seconds_max=20)
        self.assertIn(self.place(0), done.stderr)

    def test_ends_on_sigterm_with_zero(self):
        node = self.network.nodes[1]
        began = time.monotonic()
        self.assertEqual(node.process.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)


class Rates(NetCase):
    def test_bytes_of_a_second(self):
        file = self.chain(100, block_bytes=20_000)  # two megabytes
        network = SeedNetwork(self.lattice, file, count=1)
        network.fill()
        network.start()
        network.serve(network.zone(addresses=[0]))
        took = {}
        for name, options in {"free": [], "limited": ["--download-rate", "500k"], "one class": ["--download-rate", "blocks=500k"]}.items():
            report = network.fresh(name, *options).report(30)
            self.assertEqual(report["tip"], block_hashes(file)[-1])
            took[name] = report["seconds"]
        self.assertLess(took["free"], 2.5)
        for name in ("limited", "one class"):
            self.assertGreater(took[name], 2.5, took)  # a second's worth is saved up
            self.assertLess(took[name], 8, took)


class WrongUsage(NetCase):
    def refused(self, words, code, *arguments):
        done = self.lattice.run(*arguments, code=code, seconds_max=20)
        self.assertEqual(done.stdout.strip(), "")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_nothing(self):
        self.refused(["subcommand"], 2)

    def test_unknown_subcommand_and_option(self):
        self.refused([], 2, "frobnicate")
        self.refused(["--frobnicate"], 2, "node", "--chain", "bitcoin-regtest", "--frobnicate")

    def test_bad_values(self):
        self.refused(["nowhere", "--listen"], 1, "node", "--chain", "bitcoin-regtest", "--data", self.lab.folder / "x", "--listen", "nowhere")
        for option, value in (("--ban", "203.0.113.7/24"), ("--external-address", "nowhere"), ("--upload-rate", "fast"), ("--download-rate", "5"),
                              ("--upload-rate", "consensus=1M")):
            self.refused([value, option], 1, "node", "--chain", "bitcoin-regtest", "--data", self.lab.folder / "x", option, value)
        self.refused(["--log-level"], 2, "node", "--chain", "bitcoin-regtest", "--log-level", "loud")

    def test_unknown_chain(self):
        self.refused(["dogecoin", "bitcoin-regtest"], 1, "node", "--chain", "dogecoin", "--data", self.lab.folder / "x")

    def test_wrong_key_in_a_chain_spec_is_named_with_file_and_line(self):
        file = self.lab.folder / "wrong.toml"
        file.write_text('preset = "bitcoin-regtest"\n\n[limits]\nping_intervall = 3\n', encoding="utf-8")
        self.refused(["wrong.toml:4", "ping_intervall"], 1, "chain-spec", "check", file)

    def test_consensus_parameters_of_a_preset_stay(self):
        file = self.lab.folder / "wrong.toml"
        file.write_text('preset = "bitcoin"\n[network_protocol]\nmagic_bytes = "01 02 03 04"\n', encoding="utf-8")
        self.refused(["wrong.toml:3", "magic_bytes"], 1, "chain-spec", "check", file)

    def test_import_of_what_is_no_chain(self):
        file = self.lab.folder / "noise.blk"
        file.write_bytes(b"no blocks here" * 100)
        self.refused([str(file)], 1, "import", file, "--chain", "bitcoin-regtest", "--data", self.lab.folder / "x")
        self.refused(["missing.blk"], 1, "import", "missing.blk", "--chain", "bitcoin-regtest", "--data", self.lab.folder / "y")


class NoAnswer(NetCase):
    def test_a_dns_server_that_is_not_there_is_said(self):
        spec = self.lab.folder / "chain.toml"
        spec.write_text(f'{REGTEST}\n[[dns_seeds]]\nname = "seeds.test"\n', encoding="utf-8")
        node = self.lattice.node("fresh", spec, self.lab.folder / "fresh", "--dns-server", f"127.0.0.1:{free_port()}",
                                 report=self.lab.folder / "fresh.json")
        self.lab.wait_ready(node.process, lambda: "failed=1" in node.process.output(), 30)
        self.assertEqual(node.process.stop(), 1)

    def test_a_name_that_does_not_exist_is_said(self):
        knot = Knot(self.lab, "seeds.test", zone_text("seeds.test"))
        node = self.lattice.node("fresh", "bitcoin-regtest", self.lab.folder / "fresh", "--dns-server", knot.server, "--dns-seed",
                                 "nobody.seeds.test", report=self.lab.folder / "fresh.json")
        self.lab.wait_ready(node.process, lambda: "nobody.seeds.test" in node.process.output(), 30)
        node.process.stop()


if __name__ == "__main__":
    raise SystemExit(main())
