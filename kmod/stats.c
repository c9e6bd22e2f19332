// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters for user space (stats.h): as a binary file a VM or vCPU, and as text in
 * debugfs.
 *
 * The binary file is a header, an id string, a descriptor a counter, and the
 * counters. All but the counters is the same for each object of a kind, and
 * constant.
 *
 * Locks: none for counters; they are read while they change. vms_lock guards the list
 * of VMs, and with it a listed VM's life: it leaves the list before anything of it goes.
 */
#include <linux/anon_inodes.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "vcpu.h"
#include "vm.h"

#define NAME_SIZE 48

/* struct kvm_stats_desc with the name's room: the uapi's differs inside the kernel. */
struct desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};

struct layout {
	struct kvm_stats_header header;
	const struct desc *descs;
	u32 data_size; /* bytes */
};

#define DESC(owner, stat, type, unit, exp)                                                         \
	{ .flags = KVM_STATS_TYPE_##type | KVM_STATS_UNIT_##unit | KVM_STATS_BASE_POW10,           \
	  .exponent = (exp), .size = 1, .offset = offsetof(struct owner, stat), .name = #stat },
#define VM_DESC(stat, type, unit, exp)	 DESC(rd_vm_stat, stat, type, unit, exp)
#define VCPU_DESC(stat, type, unit, exp) DESC(rd_vcpu_stat, stat, type, unit, exp)

static const struct desc vm_descs[] = { RD_VM_STATS(VM_DESC) };
static const struct desc vcpu_descs[] = { RD_VCPU_STATS(VCPU_DESC) };
static_assert(ARRAY_SIZE(vm_descs) == RD_NR_VM_STATS);
static_assert(ARRAY_SIZE(vcpu_descs) == RD_NR_VCPU_STATS);

#define DESC_OFFSET	  (sizeof(struct kvm_stats_header) + NAME_SIZE)
#define DATA_OFFSET(descs) (DESC_OFFSET + sizeof(descs))
#define LAYOUT(_descs, stat)                                                                       \
	{ .header = { .name_size = NAME_SIZE,                                                      \
		      .num_desc = ARRAY_SIZE(_descs),                                              \
		      .id_offset = sizeof(struct kvm_stats_header),                                \
		      .desc_offset = DESC_OFFSET,                                                  \
		      .data_offset = DATA_OFFSET(_descs) },                                        \
	  .descs = (_descs), .data_size = sizeof(stat) }

static const struct layout vm_layout = LAYOUT(vm_descs, struct rd_vm_stat);
static const struct layout vcpu_layout = LAYOUT(vcpu_descs, struct rd_vcpu_stat);

/* What one read() still has to fill, and how far into the file it is. */
struct reader {
	char __user *to;
	size_t left;
	loff_t pos;
	ssize_t done;
};

/* Copies what the read wants of a part of the file: @size bytes that begin at @start. */
static int copy_part(struct reader *r, const void *part, loff_t start, size_t size)
{
	size_t skip, n;

	if (!r->left || r->pos < start || r->pos >= start + size)
		return 0;
	skip = r->pos - start;
	n = min(r->left, size - skip);
	if (copy_to_user(r->to, part + skip, n))
		return -EFAULT;
	r->to += n;
	r->left -= n;
	r->pos += n;
	r->done += n;
	return 0;
}

static ssize_t read_stats(const struct layout *l, const char *id, const void *data,
			  char __user *buf, size_t size, loff_t *pos)
{
	struct reader r = { .to = buf, .left = size, .pos = *pos };
	size_t descs = l->header.num_desc * sizeof(*l->descs);

	if (copy_part(&r, &l->header, 0, sizeof(l->header)) ||
	    copy_part(&r, id, l->header.id_offset, NAME_SIZE) ||
	    copy_part(&r, l->descs, l->header.desc_offset, descs) ||
	    copy_part(&r, data, l->header.data_offset, l->data_size))
		return -EFAULT;
	*pos = r.pos;
	return r.done;
}

static ssize_t vm_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct rd_vm *vm = file->private_data;
	char id[NAME_SIZE] = {};

	rd_mmu_refresh_stats(vm);
	snprintf(id, sizeof(id), "kvm-%d", vm->stats_dir.pid);
	return read_stats(&vm_layout, id, &vm->stat, buf, size, pos);
}

static ssize_t vcpu_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	struct rd_vcpu *vcpu = file->private_data;
	char id[NAME_SIZE] = {};

	snprintf(id, sizeof(id), "kvm-%d/vcpu-%u", vcpu->vm->stats_dir.pid, vcpu->id);
	return read_stats(&vcpu_layout, id, &vcpu->stat, buf, size, pos);
}

static int vm_release(struct inode *inode, struct file *file)
{
	rd_vm_put(file->private_data);
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct rd_vcpu *vcpu = file->private_data;

	rd_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.read = vm_read,
	.release = vm_release,
	.llseek = noop_llseek,
};

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_read,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/* The file takes over a reference to @vm that is made here. */
static int stats_fd(const char *name, const struct file_operations *fops, struct rd_vm *vm,
		    void *object)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, object, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	rd_vm_get(vm);
	file->f_mode |= FMODE_PREAD;
	fd_install(fd, file);
	return fd;
}

int rd_stats_vm_fd(struct rd_vm *vm)
{
	return stats_fd("kvm-vm-stats", &vm_fops, vm, vm);
}

int rd_stats_vcpu_fd(struct rd_vcpu *vcpu)
{
	return stats_fd("kvm-vcpu-stats", &vcpu_fops, vcpu->vm, vcpu);
}

static struct dentry *top;

static int show_vm(void *data, u64 *val)
{
	struct rd_stat_file *f = data;

	rd_mmu_refresh_stats(f->vm);
	*val = READ_ONCE(*(u64 *)((void *)&f->vm->stat + f->offset));
	return 0;
}

static int show_vcpus(void *data, u64 *val)
{
	struct rd_stat_file *f = data;
	struct rd_vcpu *vcpu;
	unsigned long i;

	*val = 0;
	rd_vm_for_each_vcpu(i, vcpu, f->vm)
		*val += READ_ONCE(*(u64 *)((void *)&vcpu->stat + f->offset));
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(vm_attr, show_vm, NULL, "%llu\n");
DEFINE_DEBUGFS_ATTRIBUTE(vcpu_attr, show_vcpus, NULL, "%llu\n");

static void add_files(struct rd_vm *vm, struct rd_stat_file *file, const struct desc *descs,
		      unsigned int nr, const struct file_operations *fops)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		file[i].vm = vm;
		file[i].offset = descs[i].offset;
		debugfs_create_file(descs[i].name, 0444, vm->stats_dir.dir, &file[i], fops);
	}
}

static LIST_HEAD(vms);
static DEFINE_MUTEX(vms_lock);

static void print_counters(struct seq_file *m, const struct desc *descs, unsigned int nr,
			   const void *stat)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		seq_printf(m, " %s %llu", descs[i].name,
			   READ_ONCE(*(const u64 *)(stat + descs[i].offset)));
}

static void print_vm(struct seq_file *m, struct rd_vm *vm)
{
	struct rd_vcpu *vcpu;
	unsigned long i;

	rd_mmu_refresh_stats(vm);
	seq_printf(m, "vm %llu pid %d protected %d ipa_bits %u vcpus %u", vm->handle,
		   vm->stats_dir.pid, vm->is_protected, vm->ipa_bits, rd_vm_nr_vcpus(vm));
	print_counters(m, vm_descs, RD_NR_VM_STATS, &vm->stat);
	seq_puts(m, " command ");
	/* A process may call itself anything, and a line is a line. */
	seq_escape(m, vm->stats_dir.comm, "\n\\");
	seq_putc(m, '\n');
	rd_vm_for_each_vcpu(i, vcpu, vm) {
		seq_printf(m, "vcpu %llu id %u running %d", vm->handle, vcpu->id,
			   READ_ONCE(vcpu->mode) != RD_OUTSIDE_GUEST);
		print_counters(m, vcpu_descs, RD_NR_VCPU_STATS, &vcpu->stat);
		seq_putc(m, '\n');
	}
}

void rd_stats_print_vms(struct seq_file *m)
{
	struct rd_vm *vm;

	mutex_lock(&vms_lock);
	list_for_each_entry(vm, &vms, stats_dir.link)
		print_vm(m, vm);
	mutex_unlock(&vms_lock);
}

void rd_stats_vm_init(struct rd_vm *vm, int fd)
{
	struct rd_stats_dir *d = &vm->stats_dir;
	char name[24];

	d->pid = task_pid_nr(current);
	get_task_comm(d->comm, current);
	mutex_lock(&vms_lock);
	list_add_tail(&d->link, &vms);
	mutex_unlock(&vms_lock);
	snprintf(name, sizeof(name), "%d-%d", d->pid, fd);
	d->dir = debugfs_create_dir(name, top);
	if (IS_ERR(d->dir))
		return;
	add_files(vm, d->vm_files, vm_descs, RD_NR_VM_STATS, &vm_attr);
	add_files(vm, d->vcpu_files, vcpu_descs, RD_NR_VCPU_STATS, &vcpu_attr);
}

void rd_stats_vm_destroy(struct rd_vm *vm)
{
	if (vm->stats_dir.link.next) {
		mutex_lock(&vms_lock);
		list_del(&vm->stats_dir.link);
		mutex_unlock(&vms_lock);
	}
	if (!IS_ERR(vm->stats_dir.dir))
		debugfs_remove_recursive(vm->stats_dir.dir);
}

void rd_stats_init(void)
{
	top = debugfs_create_dir("kvm", NULL);
}

void rd_stats_exit(void)
{
	if (!IS_ERR(top))
		debugfs_remove_recursive(top);
}
