# SPDX-License-Identifier: GPL-2.0-only
#
# The redoubt command, for this machine and for arm64 hosts, and what keeps documents in step
# with the tree. TOOL_CC and TOOL_OUT let packages build it, too.

TOOL_OUT ?= $(BUILD)/tools
TOOL_CC ?= gcc
TOOL_ARM64_CC ?= aarch64-linux-gnu-gcc
TOOL_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	-Wformat=2 -Wno-format-nonliteral -Wshadow -Iinclude -Icore/include -Itests/port
TOOL_SRC := $(wildcard tools/redoubt/*.c)
TOOL_LIB := $(filter-out tools/redoubt/main.c,$(TOOL_SRC))
TOOL_TESTS := $(patsubst tests/tools/%.c,$(TOOL_OUT)/%,$(wildcard tests/tools/test_*.c))

tools: $(TOOL_OUT)/redoubt $(TOOL_OUT)/arm64/redoubt ## build the redoubt command, natively and for arm64

$(TOOL_OUT)/native/%.o: %.c
	@mkdir -p $(@D)
	@echo '  TOOL $<'; $(TOOL_CC) $(TOOL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -c $< -o $@

$(TOOL_OUT)/arm64/%.o: %.c
	@mkdir -p $(@D)
	@echo '  TOOL $< (arm64)'; $(TOOL_ARM64_CC) $(TOOL_CFLAGS) -MMD -c $< -o $@

# Tests see undefined behaviour and bad accesses.
$(TOOL_OUT)/checked/%.o: %.c
	@mkdir -p $(@D)
	@echo "  TOOL $< (checked)"; $(TOOL_CC) $(TOOL_CFLAGS) -Itools/redoubt -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -c $< -o $@

$(TOOL_OUT)/redoubt: $(TOOL_SRC:%.c=$(TOOL_OUT)/native/%.o)
	@$(TOOL_CC) $(TOOL_CFLAGS) $(CFLAGS) $(LDFLAGS) $^ -o $@

# Static: one file to copy to any arm64 machine.
$(TOOL_OUT)/arm64/redoubt: $(TOOL_SRC:%.c=$(TOOL_OUT)/arm64/%.o)
	@$(TOOL_ARM64_CC) -static $^ -o $@

$(TOOL_TESTS): $(TOOL_OUT)/%: $(TOOL_OUT)/checked/tests/tools/%.o \
		$(TOOL_LIB:%.c=$(TOOL_OUT)/checked/%.o)
	@$(TOOL_CC) -fsanitize=address,undefined $^ -lcmocka -o $@

test-tools: deps tools $(TOOL_TESTS) ## the redoubt command's own tests; documents, tables, packaging
	@$(PYTHON) tests/docs/run.py $(TOOL_TESTS)

# Where each file's flags are, for clangd and editors.
compile_commands.json: module-4k tools ## how each file is compiled, for editors
	@$(PYTHON) tools/compile_commands.py

.PHONY: tools test-tools compile_commands.json
.SECONDARY:

-include $(shell find $(TOOL_OUT) -name '*.d' 2>/dev/null)
