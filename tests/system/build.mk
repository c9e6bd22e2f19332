# SPDX-License-Identifier: GPL-2.0-only
#
# The module for each stock kernel, the programs that run in test machines, and
# the groups of tests that need QEMU.

# Debian 13 begins with 6.12.
KERNELS ?= 4k 16k $(shell . /etc/os-release; [ "$$VERSION_ID" != 12 ] || echo 6.1)
GUEST_CC := aarch64-linux-gnu-gcc
GUEST_CFLAGS := -O2 -static -std=gnu11 -Wall -Wextra -Werror -Iinclude -pthread

MODULES := $(KERNELS:%=module-%)
GUEST_PROGRAMS := $(patsubst tests/guest/%.c,$(BUILD)/guest/%,$(wildcard tests/guest/*.c)) \
	$(BUILD)/guest/vmevents $(BUILD)/guest/protvm $(BUILD)/guest/kvmbench \
	$(BUILD)/guest/aarch32
GUEST_MODULES := $(patsubst tests/guest/%/Kbuild,%,$(wildcard tests/guest/*/Kbuild))
GROUPS := test-harness test-launch attack test-vm test-linux test-protected test-protected-full \
	test-command test-linux-full soak

module: $(MODULES) ## build redoubt.ko for the stock kernels (KERNELS="4k 16k 6.1")

# Kbuild knows what is out of date; the EL2 image comes first.
$(MODULES): module-%: kernels hyp
	@mk/module $*
	@echo "build/kmod/$*/redoubt.ko is ready"

kernel-64k: deps
	@mk/kernel-64k

module-64k: kernel-64k hyp
	@mk/module 64k

# One that can be made to panic, for the test of that.
module-debug: kernels
	@$(MAKE) hyp RD_DEBUG=1
	@RD_DEBUG=1 mk/module 4k
	@echo "build/kmod/4k-debug/redoubt.ko is ready"

$(BUILD)/guest/%: tests/guest/%.c $(wildcard tests/guest/*.h)
	@mkdir -p $(@D)
	@echo '  GUEST $<'; $(GUEST_CC) $(GUEST_CFLAGS) $< -o $@

# Programs of several files.
$(BUILD)/guest/vmevents: $(wildcard tests/guest/vmevents/*.[ch] tests/guest/*.h)
$(BUILD)/guest/protvm: $(wildcard tests/guest/protvm/*.[chS] tests/guest/*.h)
$(BUILD)/guest/kvmbench: $(wildcard tests/guest/kvmbench/*.[chS] tests/guest/*.h)
$(BUILD)/guest/vmevents $(BUILD)/guest/protvm $(BUILD)/guest/kvmbench:
	@mkdir -p $(@D)
	@echo '  GUEST tests/guest/$(@F)'
	@$(GUEST_CC) $(GUEST_CFLAGS) $(filter %.c %.S,$^) -o $@

# Its guest is AArch32: clang's assembler knows it, and objcopy. IT blocks such as it has are deprecated, not gone.
$(BUILD)/guest/aarch32.bin: tests/guest/aarch32/guest.S tests/guest/aarch32/map.h
	@mkdir -p $(@D)
	@clang --target=armv8a-none-eabi -Wa,--no-warn -c $< -o $(@:bin=o)
	@aarch64-linux-gnu-objcopy -O binary -j .text $(@:bin=o) $@
$(BUILD)/guest/aarch32: tests/guest/aarch32/vm.c $(BUILD)/guest/aarch32.bin \
		$(wildcard tests/guest/aarch32/*.h tests/guest/*.h)
	@echo '  GUEST $<'
	@$(GUEST_CC) $(GUEST_CFLAGS) -DGUEST='"$(BUILD)/guest/aarch32.bin"' $< -o $@

guest-programs: deps $(GUEST_PROGRAMS)

guest-modules: kernels
	@for k in $(filter-out 6.1,$(KERNELS)); do for m in $(GUEST_MODULES); do \
		mk/test-module $$k $$m; done; done

guest-module: kernels ## build redoubt-guest.ko, for stock kernels in protected VMs
	@for k in $(filter-out 6.1,$(KERNELS)); do mk/guest-module $$k; done

guest-kernel: deps
	@mk/kernel-pkvm-guest

system: module guest-module guest-programs guest-modules tools

test-protected: guest-kernel

test-launch: module-debug

test-linux-full: module-64k

soak: ## minutes of load on guests of a host without memory (SOAK_SECONDS=600)

# A group is a directory of tests: tests/system/launch is "make test-launch".
$(GROUPS): system rootfs
	@$(PYTHON) tests/system/run_group.py $@

test-launch-64k: module-64k guest-programs ## launch and attacks on a kernel with 64K pages
	@mk/test-module 64k attack
	@$(PYTHON) tests/system/run_group.py $@

test-linux-mainline: system rootfs ## test-linux on mainline KVM (nVHE), for comparison
	@$(PYTHON) tests/system/run_group.py $@

matrix: module module-64k ## launch on every kernel, CPU and QEMU (some 10 minutes)
	@$(PYTHON) tests/system/run_group.py $@

kvm-selftests: system selftests ## the kernel's own KVM tests, beside mainline
	@$(PYTHON) tests/system/kvm_selftests.py

kvm-selftests-short: module-4k selftests ## two minutes of them, on Redoubt with 4K pages
	@$(PYTHON) tests/system/kvm_selftests.py --set short --kernels 4k --hypervisors redoubt

kvm-selftests-full: system selftests ## the same with the long ones
	@$(PYTHON) tests/system/kvm_selftests.py --set full

selftests: deps
	@mk/selftests

bench: system ## count instructions, beside mainline
	@$(PYTHON) tests/system/bench.py

test: deps ## everything, under 40 minutes
	@$(PYTHON) tests/system/run_all.py

run: module-4k guest-module guest-programs tools rootfs ## the main job: a secret that the host can't read (3 minutes)
	@$(PYTHON) tests/system/run_demo.py

shell: module-4k guest-programs tools rootfs ## the host's prompt; redoubt.ko and programs are in /redoubt
	@$(PYTHON) tests/system/boot.py --shell --mem 2048 --disk $(BUILD)/rootfs/bookworm.img \
		--module $(BUILD)/kmod/4k/redoubt.ko $(GUEST_PROGRAMS:%=--file %) \
		--file $(BUILD)/tools/arm64/redoubt \
		--file $(BUILD)/kernels/4k/vmlinuz:redoubt/guest/4k.Image

rootfs: deps
	@mk/rootfs bookworm

boot: module ## boot a stock host, load the module, power off
	@$(PYTHON) tests/system/boot.py --module $(BUILD)/kmod/4k/redoubt.ko --cmd 'dmesg | grep redoubt'

.PHONY: module module-debug $(MODULES) kernel-64k module-64k test-launch-64k test-linux-mainline matrix guest-module guest-kernel guest-programs \
	guest-modules system $(GROUPS) kvm-selftests \
	kvm-selftests-short kvm-selftests-full selftests bench test run shell rootfs boot
