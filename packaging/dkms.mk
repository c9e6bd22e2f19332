# SPDX-License-Identifier: GPL-2.0-only
#
# The Makefile of /usr/src/redoubt-VERSION: the EL2 program by the machine's own compiler,
# then the module around it by the kernel's build system.

KERNEL_DIR ?= /lib/modules/$(shell uname -r)/build

all:
	$(MAKE) -f hyp/build.mk HYP_CROSS=$(CROSS_COMPILE) hyp
	cp build/hyp/redoubt-hyp.bin build/hyp/redoubt-hyp.symbols.h .
	$(MAKE) -C $(KERNEL_DIR) M=$(CURDIR) modules

# By hand: the kernel's own "clean" needs headers that may be gone.
clean:
	rm -rf build redoubt-hyp.* *.o *.ko *.mod *.mod.c modules.order Module.symvers
	find . -name '*.o' -delete -o -name '.*.cmd' -delete

.PHONY: all clean
