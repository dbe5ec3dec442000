"""All benchmarks, one after the other: `python -m bench [--json] [name ...]` (or `make bench`)."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = sorted(
    path.stem for path in HERE.iterdir()
    if not path.stem.startswith(("_", ".")) and (path.suffix == ".py" or (path / "__main__.py").exists())
)  # fmt: skip


def main() -> int:
    """Run them as processes of their own, so that none measures what another left behind."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=NAMES, default=NAMES, metavar="name", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="one object, by name")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    failed = []
    for name in given.names:
        command = [sys.executable, "-m", f"bench.{name}"]
        if given.json:
            done = subprocess.run([*command, "--json"], cwd=HERE.parent, stdout=subprocess.PIPE, check=False)
            found[name] = json.loads(done.stdout) if done.stdout.strip() else None
        else:
            print(f"\n== {name}", flush=True)
            done = subprocess.run(command, cwd=HERE.parent, check=False)
        if done.returncode:
            failed.append(name)
    if given.json:
        print(json.dumps(found, indent=2))
    if failed:
        print(f"Not measured, see above: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
