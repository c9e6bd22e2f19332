// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU's descriptor, all with vcpu->mutex held. Each copies its
 * argument in once; bounds are checked by the owner of the matter.
 */
#include <linux/kvm.h>
#include <linux/uaccess.h>

#include "kvm_dev.h"
#include "pvtime.h"
#include "regs.h"
#include "vcpu.h"

#define FETCH(var, arg) (copy_from_user(&(var), (void __user *)(arg), sizeof(var)) ? -EFAULT : 0)

static int one_reg(struct rd_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct kvm_one_reg reg;
	int ret = FETCH(reg, arg);

	if (ret)
		return ret;
	if (!vcpu->initialised)
		return -ENOEXEC;
	/* A CPU_ON that the vCPU hasn't acted on yet is visible in its registers. */
	if (rd_vcpu_take_request(vcpu, RD_REQ_RESET))
		rd_vcpu_psci_reset(vcpu);
	return cmd == KVM_GET_ONE_REG ? rd_regs_get(vcpu, &reg) : rd_regs_set(vcpu, &reg);
}

static int vcpu_init(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_vcpu_init init;
	int ret = FETCH(init, arg);

	return ret ? ret : rd_vcpu_init(vcpu, &init);
}

static int get_mp_state(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_mp_state mp;

	switch (READ_ONCE(vcpu->power)) {
	case RD_POWER_OFF:
		mp.mp_state = KVM_MP_STATE_STOPPED;
		break;
	case RD_POWER_SUSPENDED:
		mp.mp_state = KVM_MP_STATE_SUSPENDED;
		break;
	default:
		mp.mp_state = KVM_MP_STATE_RUNNABLE;
		break;
	}
	return copy_to_user((void __user *)arg, &mp, sizeof(mp)) ? -EFAULT : 0;
}

static int set_mp_state(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_mp_state mp;
	int ret = FETCH(mp, arg);

	if (ret)
		return ret;
	switch (mp.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		rd_vcpu_set_power(vcpu, RD_POWER_ON);
		return 0;
	case KVM_MP_STATE_STOPPED:
		rd_vcpu_set_power(vcpu, RD_POWER_OFF);
		return 0;
	case KVM_MP_STATE_SUSPENDED:
		rd_vcpu_set_power(vcpu, RD_POWER_SUSPENDED);
		return 0;
	default:
		return -EINVAL;
	}
}

static int get_events(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_vcpu_events events = {};

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (vcpu->vm->is_protected && vcpu->ran_once)
		return -EPERM;
	events.exception.serror_pending = !!(vcpu->state->flags & RD_VCPU_VSERROR);
	return copy_to_user((void __user *)arg, &events, sizeof(events)) ? -EFAULT : 0;
}

/* RAS is hidden from guests, and with it a syndrome of an SError. */
static int set_events(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_vcpu_events events;
	int ret = FETCH(events, arg);

	if (ret)
		return ret;
	if (!vcpu->initialised)
		return -ENOEXEC;
	if (memchr_inv(events.reserved, 0, sizeof(events.reserved)) ||
	    memchr_inv(events.exception.pad, 0, sizeof(events.exception.pad)) ||
	    events.exception.serror_has_esr)
		return -EINVAL;
	/* Nothing pending is nothing: QEMU sets it before all else, and gives up if it can't. */
	if (vcpu->vm->is_protected)
		return events.exception.ext_dabt_pending || events.exception.serror_pending ?
			       -EPERM : 0;
	if (events.exception.ext_dabt_pending) {
		/* In place of the access that user space was to emulate. */
		vcpu->pending = RD_PENDING_NONE;
		rd_vcpu_inject_dabt(vcpu, vcpu->state->exit.far);
	}
	if (events.exception.serror_pending) {
		vcpu->state->vsesr = 0;
		vcpu->state->flags |= RD_VCPU_VSERROR;
	}
	return 0;
}

static int set_guest_debug(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_guest_debug dbg;
	int ret = FETCH(dbg, arg);

	return ret ? ret : rd_debug_set(vcpu, &dbg);
}

static int set_signal_mask(struct rd_vcpu *vcpu, unsigned long arg)
{
	struct kvm_signal_mask __user *user = (void __user *)arg;
	sigset_t set;
	u32 len;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

static int set_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_ARM_VCPU_TIMER_CTRL:
		return rd_timer_set_attr(vcpu, attr);
	case KVM_ARM_VCPU_PVTIME_CTRL:
		return rd_pvtime_set_attr(vcpu, attr);
	default:
		return -ENXIO;
	}
}

static int get_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_ARM_VCPU_TIMER_CTRL:
		return rd_timer_get_attr(vcpu, attr);
	case KVM_ARM_VCPU_PVTIME_CTRL:
		return rd_pvtime_get_attr(vcpu, attr);
	default:
		return -ENXIO;
	}
}

static int has_attr(struct rd_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_ARM_VCPU_TIMER_CTRL:
		return rd_timer_has_attr(vcpu, attr);
	case KVM_ARM_VCPU_PVTIME_CTRL:
		return rd_pvtime_has_attr(vcpu, attr);
	default:
		return -ENXIO;
	}
}

static int device_attr(struct rd_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct kvm_device_attr attr;
	int ret = FETCH(attr, arg);

	if (ret)
		return ret;
	switch (cmd) {
	case KVM_SET_DEVICE_ATTR:
		return set_attr(vcpu, &attr);
	case KVM_GET_DEVICE_ATTR:
		return get_attr(vcpu, &attr);
	default:
		return has_attr(vcpu, &attr);
	}
}

long rd_vcpu_ioctl(struct rd_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_RUN:
		return arg ? -EINVAL : rd_vcpu_run(vcpu);
	case KVM_ARM_VCPU_INIT:
		return vcpu_init(vcpu, arg);
	case KVM_GET_ONE_REG:
	case KVM_SET_ONE_REG:
		return one_reg(vcpu, cmd, arg);
	case KVM_GET_REG_LIST:
		return vcpu->initialised ? rd_regs_list(vcpu, (void __user *)arg) : -ENOEXEC;
	case KVM_GET_MP_STATE:
		return get_mp_state(vcpu, arg);
	case KVM_SET_MP_STATE:
		return set_mp_state(vcpu, arg);
	case KVM_GET_VCPU_EVENTS:
		return get_events(vcpu, arg);
	case KVM_SET_VCPU_EVENTS:
		return set_events(vcpu, arg);
	case KVM_SET_GUEST_DEBUG:
		return set_guest_debug(vcpu, arg);
	case KVM_SET_SIGNAL_MASK:
		return set_signal_mask(vcpu, arg);
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR:
		return device_attr(vcpu, cmd, arg);
	case KVM_ARM_VCPU_FINALIZE:
		/* Only SVE needs it. */
		return vcpu->initialised ? -EINVAL : -ENOEXEC;
	case KVM_GET_STATS_FD:
		return rd_stats_vcpu_fd(vcpu);
	default:
		return -EINVAL;
	}
}
