# SPDX-License-Identifier: GPL-2.0-only
#
# EL2's own code on this machine, attacked by a hostile host: see tests/hyp/README.md.
# TEST_HYP_ARGS goes to tests/hyp/run.py.

.PHONY: test-hyp fuzz-hyp

test-hyp: deps ## EL2's code under a simulated hostile host, and its mutants
	@python3 tests/hyp/run.py test $(TEST_HYP_ARGS)

fuzz: fuzz-hyp

fuzz-hyp: deps ## the same for FUZZ_SECONDS (60)
	@python3 tests/hyp/run.py fuzz --seconds $(FUZZ_SECONDS)
