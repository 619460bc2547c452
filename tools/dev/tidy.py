"""clang-tidy-19 over the files of a compilation database, several at once, and only over those that have changed.

    tidy.py --build build/lint [--jobs 2] [--seconds N] [FILE...]

A file that was found clean is remembered by the hash of itself, of all headers of ours that it includes, and of .clang-tidy: it is
looked at again when one of them changes. The longest waiting come first, so that a bounded run gets round to all of them.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


@functools.cache
def own_includes(path):
    found = []
    for name in INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")):
        for base in (ROOT, path.parent):
            if (base / name).is_file():
                found.append((base / name).resolve())
                break
    return tuple(found)


def closure_hash(path):
    seen, todo = set(), [path]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo.extend(own_includes(here))
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for file in sorted(seen):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def tidy(path, build):
    began = time.monotonic()
    done = subprocess.run(["clang-tidy-19", "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", path],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=ROOT, check=False)
    return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr[-2000:]), time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    database = json.loads((arguments.build / "compile_commands.json").read_text(encoding="utf-8"))
    files = sorted({pathlib.Path(entry["file"]).resolve() for entry in database})
    # What CMake wrote into a build folder is not ours to judge.
    files = [path for path in files if path.is_relative_to(ROOT) and path.is_file() and not path.is_relative_to(arguments.build)]
    if arguments.files:
        files = [path for path in files if any(name in str(path.relative_to(ROOT)) for name in arguments.files)]
    memory_file = arguments.build / "tidy.json"
    try:
        memory = json.loads(memory_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        memory = {}
    hashes = {path: closure_hash(path) for path in files}
    todo = [path for path in files if memory.get(str(path.relative_to(ROOT)), {}).get("hash") != hashes[path]]
    # Where nothing is remembered (CI), each commit draws another order: over some commits all are seen.
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout
    todo.sort(key=lambda path: (memory.get(str(path.relative_to(ROOT)), {}).get("when", 0),
                                hashlib.sha256(f"{commit}{path.relative_to(ROOT)}".encode()).digest()))
    print(f"{len(files)} files, {len(todo)} changed since they were found clean", flush=True)
    deadline = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
    bad, late, said = [], [], set()

    def look(path):
        if time.monotonic() > deadline:
            return path, None, "", 0.0
        return (path, *tidy(path, arguments.build))

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, arguments.jobs)) as pool:
        for number, (path, good, text, seconds) in enumerate(pool.map(look, todo), 1):
            name = str(path.relative_to(ROOT))
            if good is None:
                late.append(name)
                continue
            print(f"  [{number}/{len(todo)}] {name} {seconds:.0f} s{'' if good else '  FAILED'}", flush=True)
            if good:
                memory[name] = {"hash": hashes[path], "when": time.time()}
                memory_file.write_text(json.dumps(memory), encoding="utf-8")
            else:
                bad.append(name)
                # A header's fault shows in each file that includes it: once is enough.
                for block in re.split(r"(?m)^(?=/\S+:\d+:\d+: (?:warning|error):)", text):
                    if block not in said:
                        said.add(block)
                        print(block.replace(f"{ROOT}/", ""), end="", flush=True)
    if late:
        print(f"Not reached within {arguments.seconds} s: {len(late)} files, first {late[0]}")
    if bad:
        print(f"clang-tidy: {len(bad)} files with faults: {', '.join(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
