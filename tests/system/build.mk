# SPDX-License-Identifier: GPL-2.0-only
#
# The module for each stock kernel, and everything that runs under QEMU.

KERNELS ?= 4k 16k

MODULES := $(KERNELS:%=module-%)

module: $(MODULES) ## build redoubt.ko for the stock kernels (KERNELS="4k 16k")

# Kbuild knows what is out of date; the EL2 image comes first.
$(MODULES): module-%: kernels hyp
	@mk/module $*
	@echo "build/kmod/$*/redoubt.ko is ready"

# Where hyp/build.mk is present it defines what "hyp" builds.
hyp: ## build the EL2 image

boot: module ## boot a stock host, load the module, power off
	@$(PYTHON) tests/system/boot.py --module $(BUILD)/kmod/4k/redoubt.ko --cmd 'dmesg | grep redoubt'

.PHONY: module $(MODULES) hyp boot
