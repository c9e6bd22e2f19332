# SPDX-License-Identifier: GPL-2.0-only
#
# Redoubt. "make help" lists what there is; each part's own rules are in its
# build.mk, everything generated goes to build/.

MAKEFLAGS += --no-print-directory
.SHELLFLAGS := -ec
.DELETE_ON_ERROR:
.DEFAULT_GOAL := module

BUILD ?= build
PYTHON := /usr/bin/python3
NPROC := $(shell nproc)

help:: ## this list
	@grep -hE '^[a-z0-9-]+::? .*##' $(MAKEFILE_LIST) | \
		sed -E 's/^([a-z0-9-]+)::?.*## (.*)/\1\t\2/' | \
		awk -F '\t' '{ printf "  make %-20s %s\n", $$1, $$2 }'

deps: ## install the Debian packages that are missing
	@mk/deps

kernels: deps ## fetch stock kernels and their headers
	@mk/fetch kernels

clean: ## remove what was built, keep downloads
	rm -rf $(BUILD)/hyp $(BUILD)/kmod $(BUILD)/guest $(BUILD)/core $(BUILD)/tools \
		$(BUILD)/initramfs $(BUILD)/logs $(BUILD)/reports

distclean: ## remove all of build/
	rm -rf $(BUILD)

include $(wildcard core/build.mk hyp/build.mk kmod/build.mk tools/build.mk tests/core/build.mk tests/hyp/build.mk \
	bench/core/build.mk tests/system/build.mk packaging/build.mk)

# Parts that can also be used without this file do not know of it.
test-core fuzz bench-core: deps

.PHONY: help deps kernels clean distclean
