"""The page benchmark runs from nothing to its figures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_small_run_measures_every_page_and_its_floor(tmp_path):
    environment = {**os.environ, "MAKEGOOD_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "bench.pages", "--cases", "2000", "--seconds", "0.2", "--json"]

    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)

    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["cases"] == 2000
    assert found["events"] > 10_000
    assert found["problems"] == []
    for measured in (*found["pages"].values(), *found["floors"].values()):
        assert {clients: cell["requests"] > 0 for clients, cell in measured.items()} == {
            "1": True,
            "4": True,
            "16": True,
        }
    assert set(found["pages"]) == {"queue", "case", "full case", "search"}
    assert max(counted["most"] for counted in found["statements"].values()) <= 4
