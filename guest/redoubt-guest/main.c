// SPDX-License-Identifier: GPL-2.0-only
/*
 * redoubt-guest: devices for a stock kernel in a protected VM. Such a kernel shares no
 * memory with its host, and devices that the host emulates can reach nothing else. This
 * module shares a pool, and puts under the drivers of PCI and virtio devices DMA
 * operations that go through it. A kernel with ARM_PKVM_GUEST and a restricted DMA pool
 * needs no module.
 *
 * Load it before the drivers of the devices: a driver that is built in has started its
 * device before any module could be loaded. It can't be unloaded, for its memory is the
 * devices'.
 *
 * Locks: none; a device's lock is held while it is bound.
 */
#include <linux/arm-smccc.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <asm/hypervisor.h>

#include "dma.h"
#include "memory.h"
#include "pool.h"

#define LARGEST_POOL_MIB 1024

static unsigned int pool_mib = 16;
module_param(pool_mib, uint, 0444);
MODULE_PARM_DESC(pool_mib, "MiB of memory to share with the host, a multiple of 4 (16)");

/* Who does the DMA: of a virtio device its transport, a PCI or a platform device. */
static struct device *dma_device(struct device *dev)
{
	return dev->bus == &pci_bus_type ? dev : dev->parent;
}

static void bind(struct device *dev)
{
	int ret = dma_prepare(dma_device(dev));

	if (ret)
		dev_warn(dev, "redoubt-guest: this device won't work: %s\n",
			 ret == -EBUSY ? "it is behind an IOMMU" : "it can't address the pool");
}

/* Without this feature drivers give a device addresses as they are, past the DMA API. */
static int look_at_virtio(struct device *dev, void *unused)
{
	struct virtio_device *vdev = dev_to_virtio(dev);

	if (dev->driver)
		dev_warn(dev, "redoubt-guest: this device won't work: its driver %s came first\n",
			 dev->driver->name);
	else if (!(vdev->config->get_features(vdev) & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)))
		dev_warn(dev, "redoubt-guest: this device won't work: start QEMU with iommu_platform=on for it\n");
	return 0;
}

static int pci_event(struct notifier_block *nb, unsigned long event, void *dev)
{
	if (event == BUS_NOTIFY_BIND_DRIVER)
		bind(dev);
	return NOTIFY_DONE;
}

static int virtio_event(struct notifier_block *nb, unsigned long event, void *dev)
{
	if (event == BUS_NOTIFY_ADD_DEVICE)
		look_at_virtio(dev, NULL);
	else if (event == BUS_NOTIFY_BIND_DRIVER)
		bind(dev);
	return NOTIFY_DONE;
}

static struct notifier_block on_pci = { .notifier_call = pci_event };
static struct notifier_block on_virtio = { .notifier_call = virtio_event };

/* A driver for no device: the way to the virtio bus, which is not exported. */
static const struct virtio_device_id no_device[] = { {} };

static int no_probe(struct virtio_device *vdev)
{
	return -ENODEV;
}

static void no_remove(struct virtio_device *vdev)
{
}

static struct virtio_driver anchor = {
	.driver.name = "redoubt-guest",
	.id_table = no_device,
	.probe = no_probe,
	.remove = no_remove,
};

static int watch_devices(void)
{
	int ret = register_virtio_driver(&anchor);

	if (ret)
		return ret;
	ret = bus_register_notifier(anchor.driver.bus, &on_virtio);
	if (ret)
		goto unregister;
	ret = bus_register_notifier(&pci_bus_type, &on_pci);
	if (ret)
		goto unwatch;
	bus_for_each_dev(anchor.driver.bus, NULL, NULL, look_at_virtio);
	return 0;
unwatch:
	bus_unregister_notifier(anchor.driver.bus, &on_virtio);
unregister:
	unregister_virtio_driver(&anchor);
	return ret;
}

static bool can_share(void)
{
	return kvm_arm_hyp_service_available(ARM_SMCCC_KVM_FUNC_HYP_MEMINFO) &&
	       kvm_arm_hyp_service_available(ARM_SMCCC_KVM_FUNC_MEM_SHARE) &&
	       kvm_arm_hyp_service_available(ARM_SMCCC_KVM_FUNC_MEM_UNSHARE);
}

/* Bytes that one MEM_SHARE shares; 0 if the hypervisor's answer makes no sense. */
static size_t share_granule(void)
{
	struct arm_smccc_res res;

	arm_smccc_1_1_invoke(ARM_SMCCC_VENDOR_HYP_KVM_HYP_MEMINFO_FUNC_ID, 0, 0, 0, &res);
	return is_power_of_2(res.a0) && res.a0 >= SZ_4K && res.a0 <= POOL_CHUNK ? res.a0 : 0;
}

static int __init redoubt_guest_init(void)
{
	size_t granule;
	int ret;

	if (!can_share()) {
		pr_info("redoubt-guest: this is no protected VM: not needed\n");
		return -ENODEV;
	}
	granule = share_granule();
	if (!granule)
		return -EPROTO;
	if (!pool_mib || pool_mib > LARGEST_POOL_MIB || pool_mib % (POOL_CHUNK >> 20)) {
		pr_err("redoubt-guest: pool_mib must be a multiple of %zu, up to %u\n",
		       POOL_CHUNK >> 20, LARGEST_POOL_MIB);
		return -EINVAL;
	}
	/* Better without than not at all: what the guest has already is safe either way. */
	ret = memory_declare(granule);
	if (ret)
		pr_warn("redoubt-guest: memory could not be declared (error %d)\n", ret);
	ret = pool_create((size_t)pool_mib << 20, granule);
	if (ret) {
		pr_err("redoubt-guest: can't share %u MiB with the host (error %d)\n", pool_mib,
		       ret);
		return ret;
	}
	ret = watch_devices();
	if (ret) {
		pr_err("redoubt-guest: can't watch the devices (error %d)\n", ret);
		pool_destroy();
		return ret;
	}
	pr_info("redoubt-guest: %u MiB are shared with the host, for devices\n", pool_mib);
	return 0;
}
module_init(redoubt_guest_init);

MODULE_DESCRIPTION("Devices for a stock kernel in a protected VM");
MODULE_LICENSE("GPL");
