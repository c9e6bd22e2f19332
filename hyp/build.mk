# SPDX-License-Identifier: GPL-2.0-only
# The EL2 image: one freestanding program for all granules.

HYP_CROSS ?= aarch64-linux-gnu-
# RD_DEBUG=1: a build beside the others, which has hyp/debug/ and kmod/debug/ too.
HYP_OUT := build/hyp$(if $(RD_DEBUG),-debug)

HYP_SRC := $(wildcard hyp/*.c $(if $(RD_DEBUG),hyp/debug/*.c)) $(wildcard core/pgtable/*.c) $(wildcard core/ownership/*.c)
HYP_ASM := $(wildcard hyp/*.S)
HYP_OBJ := $(HYP_SRC:%.c=$(HYP_OUT)/%.o) $(HYP_ASM:%.S=$(HYP_OUT)/%.S.o)

# No FP registers: they are the host's and the guests'. Position-independent with every
# symbol local, so that only data that holds addresses needs relocation. Frame pointers
# are for the backtrace of a panic.
HYP_FLAGS := -ffreestanding -fpie -fvisibility=hidden -mgeneral-regs-only -fno-stack-protector \
	-mno-outline-atomics -mbranch-protection=none -fno-omit-frame-pointer -fno-common \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -ffunction-sections -fdata-sections \
	-Ihyp/include -Iinclude -Icore/include -O2 -g $(if $(RD_DEBUG),-DRD_DEBUG)
HYP_CFLAGS := $(HYP_FLAGS) -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes \
	-Wstrict-prototypes -Wundef -include hyp/include/visibility.h
HYP_LDFLAGS := -nostdlib -pie -Wl,--no-dynamic-linker -Wl,-Bsymbolic -Wl,-z,norelro \
	-Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments

.PHONY: hyp
hyp: $(HYP_OUT)/redoubt-hyp.bin $(HYP_OUT)/redoubt-hyp.symbols.h

$(HYP_OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  HYP $<'; $(HYP_CROSS)gcc $(HYP_CFLAGS) -MMD -c $< -o $@

$(HYP_OUT)/%.S.o: %.S
	@mkdir -p $(@D)
	@echo '  HYP $<'; $(HYP_CROSS)gcc $(HYP_FLAGS) -D__ASSEMBLY__ -MMD -c $< -o $@

$(HYP_OUT)/hyp.elf: $(HYP_OBJ) hyp/hyp.lds
	@echo '  LD  $@'; $(HYP_CROSS)gcc $(HYP_LDFLAGS) -T hyp/hyp.lds $(HYP_OBJ) -o $@

$(HYP_OUT)/redoubt-hyp.bin: $(HYP_OUT)/hyp.elf
	@$(HYP_CROSS)objcopy -O binary $< $@

# { offset, "name" }, sorted: what kmod/panic.c finds a backtrace's names in.
$(HYP_OUT)/redoubt-hyp.symbols.h: $(HYP_OUT)/hyp.elf
	@$(HYP_CROSS)nm -n $< | awk '$$2 ~ /^[tT]$$/ && $$3 !~ /^\$$/ \
		{ printf "\t{ 0x%s, \"%s\" },\n", $$1, $$3 }' > $@

-include $(HYP_OBJ:.o=.d)
