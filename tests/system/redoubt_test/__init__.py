# SPDX-License-Identifier: GPL-2.0-only
"""Runs real kernels under QEMU and asks them questions; see tests/system/README.md."""
