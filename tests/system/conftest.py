# SPDX-License-Identifier: GPL-2.0-only
"""Makes redoubt_test importable from every group's directory."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
