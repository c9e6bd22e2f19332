// SPDX-License-Identifier: GPL-2.0-only
/* vmholder: makes a VM, says so by making /tmp/vm, and keeps it for as long as it lives. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0 || creat("/tmp/vm", 0600) < 0) {
		perror("vmholder");
		return 1;
	}
	for (;;)
		pause();
}
