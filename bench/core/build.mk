# SPDX-License-Identifier: GPL-2.0-only
#
# Benchmarks of core. Usable from the top-level Makefile and by itself:
#     make -f bench/core/build.mk bench-core

BENCH_CORE := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

.PHONY: bench-core

bench-core:
	@python3 $(BENCH_CORE)/run.py
