"""The benchmarks are a package at the root of the workspace; so their tests import it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))
