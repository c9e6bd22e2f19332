// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's GIC offers its guests, asked once at module load; and the
 * maintenance interrupt, whose only purpose is to bring a vCPU out of the guest:
 * vgic_sync() finds the reason.
 */
#include <linux/kvm.h>
#include <redoubt/stat.h>

#include "../hvc.h"
#include "../irqroute.h"
#include "glue.h"
#include "ppi.h"

static u64 vtr;

u64 rd_vgic_vtr(void)
{
	return vtr;
}

static irqreturn_t maintenance_handler(int irq, void *cookie)
{
	return IRQ_HANDLED;
}

int rd_vgic_module_init(void)
{
	struct rd_hvc_res res;
	int ret = rd_hvc_res(RD_HVC_STAT, RD_STAT_ICH_VTR, 0, 0, 0, 0, &res);

	if (ret)
		return ret;
	vtr = res.x1;
	ret = rd_ppi_request(RD_PPI_MAINTENANCE, maintenance_handler, "redoubt-vgic");
	if (ret)
		pr_err("the GIC's maintenance interrupt isn't to be had (%d)\n", ret);
	return ret;
}

void rd_vgic_module_exit(void)
{
	rd_ppi_free(RD_PPI_MAINTENANCE);
}

int rd_vgic_check_cap(u64 cap)
{
	switch (cap) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_MSI_DEVID:
	case KVM_CAP_ARM_USER_IRQ:
		return 1;
	case KVM_CAP_IRQ_ROUTING:
		return RD_MAX_ROUTES;
	default:
		return -ENOTTY;
	}
}
