# SPDX-License-Identifier: GPL-2.0-only
#
# What keeps documents in step with the tree.

.PHONY: test-tools

test-tools: deps ## check documents: links, hypercall tables
	@$(PYTHON) tests/docs/run.py
