# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of core. Usable from the top-level Makefile and by itself:
#     make -f tests/core/build.mk test-core
#
# TEST_CORE_ARGS goes to tests/core/run.py (see its --help): a part of the checks
# only, another seed, more operations. FUZZ_SECONDS bounds `make fuzz` as a whole.

CORE_TESTS := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
FUZZ_SECONDS ?= 60

.PHONY: test-core fuzz

test-core: ## unit tests, oracles, mutations and coverage of core
	@python3 $(CORE_TESTS)/run.py test $(TEST_CORE_ARGS)

fuzz: ## fuzz core for FUZZ_SECONDS (60)
	@python3 $(CORE_TESTS)/run.py fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_ARGS)
