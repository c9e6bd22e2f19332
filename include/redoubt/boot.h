/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module hands the EL2 image at launch.
 *
 * The host is trusted until the door is closed (RD_HVC_CLOSE), so the module
 * prepares everything: it copies the image into memory of its own, relocates it,
 * builds EL2's stage-1 tables with core/pgtable, and fills in struct rd_boot,
 * which lies inside the image. From CLOSE on all of that memory is EL2's alone
 * and nothing here is written by the host again.
 */
#ifndef REDOUBT_BOOT_H
#define REDOUBT_BOOT_H

#define RD_IMAGE_MAGIC 0x215244544255444f

#ifndef __ASSEMBLY__

#include <redoubt/types.h>

/*
 * The first bytes of the image. Offsets are in bytes from its start; the three
 * segments start at multiples of 64 KiB, so that every granule can protect them.
 */
struct rd_image_header {
	u64 magic;
	u64 abi_version;
	u64 text_end;	  /* [0, text_end): code, and this header; read, execute */
	u64 rodata_end;	  /* [text_end, rodata_end): read only */
	u64 image_end;	  /* [rodata_end, image_end): read and write, the file ends here */
	u64 memory_end;	  /* [image_end, memory_end): zeroed by the module */
	u64 rela_start;	  /* Elf64_Rela entries, all R_AARCH64_RELATIVE */
	u64 rela_end;
	u64 boot;	  /* struct rd_boot */
	u64 init;	  /* entry for HVC_SOFT_RESTART of the stub: code that runs with the MMU off */
	u64 idmap_start;  /* code to be mapped at its physical address too */
	u64 idmap_end;
	u64 text_used;	  /* bytes of code, for the curious */
	u64 cpu_size;	  /* bytes of a CPU's own data, which starts with struct rd_boot_cpu */
};

/* The start of a CPU's own data; read with the MMU off: keep the order with hyp/init.S. */
struct rd_boot_cpu {
	u64 va;	   /* hyp VA of this structure */
	u64 stack; /* hyp VA just above its stack, a multiple of 16 */
	u64 index; /* the module's number for it */
	u64 mpidr; /* MPIDR_EL1 affinity, or RD_MPIDR_UNKNOWN */
};

#define RD_MPIDR_UNKNOWN (~0ULL)
#define RD_MPIDR_MASK	 0xff00ffffffULL

/* Pages that EL2 zeroes or cleans at a time. */
#define RD_WINDOW_PAGES 16

#define RD_MAX_CPUS    512
#define RD_MAX_REGIONS 64
#define RD_MAX_CHUNKS  512

/* A range of RAM, and where its page records lie in EL2's address space. */
struct rd_boot_region {
	u64 base;     /* bytes */
	u64 size;     /* bytes */
	u64 records;  /* hyp VA of its records and, behind them, the counts of its blocks */
};

#define RD_RECORD_BYTES 4 /* a page */
#define RD_COUNT_BYTES	4 /* a block, aligned, of 2^RD_BLOCK_SHIFT pages: an entry above the last level */
#define RD_BLOCK_SHIFT(granule_shift) ((granule_shift) - 3)

/* Physically contiguous memory that the module gave EL2. */
struct rd_boot_chunk {
	u64 base;     /* bytes */
	u64 size;     /* bytes */
	u64 used;     /* bytes from its start that the module already filled */
	u64 purpose;  /* enum rd_chunk */
};

enum rd_chunk {
	RD_CHUNK_IMAGE,	  /* the image */
	RD_CHUNK_VMEMMAP, /* page records */
	RD_CHUNK_CPU,	  /* per-CPU data and stacks */
	RD_CHUNK_POOL,	  /* translation tables */
	RD_CHUNK_PURPOSES,
};

struct rd_boot {
	/* Read with the MMU off, before anything else: keep the order with hyp/init.S. */
	u64 tcr;	 /* TCR_EL2 */
	u64 mair;	 /* MAIR_EL2 */
	u64 ttbr;	 /* TTBR0_EL2 */
	u64 sctlr;	 /* SCTLR_EL2 with the MMU on */
	u64 va_offset;	 /* hyp VA of the linear map minus PA, bytes, modulo 2^64 */
	/* Read by C. */
	u64 mmfr0, mmfr1, mmfr2, isar0, pfr0; /* ID registers, the least of all CPUs */
	u64 granule_shift;
	u64 lpa2;
	u64 va_bits;		/* of EL2's stage 1 */
	u64 oa_bits;		/* of both stages */
	u64 host_bits;		/* input size of the host's stage 2 */
	u64 root;		/* PA of EL2's stage-1 root */
	u64 host_root;		/* PA of memory for the host's stage-2 root */
	u64 host_root_bytes;	/* its size */
	u64 window;		/* hyp VA of RD_WINDOW_PAGES pages for passing use; table present */
	u64 nr_cpus;
	u64 nr_regions;
	u64 nr_chunks;
	u64 locked;		/* RELEASE is refused once closed */
	u64 panic_pa;		/* struct rd_panic, the host's page, lent to EL2 */
	u64 panic_entry;	/* EL1 VA where the host goes on after a panic of EL2 */
	u64 cpu[RD_MAX_CPUS];	/* PA of each one's struct rd_boot_cpu, by the module's number */
	struct rd_boot_region region[RD_MAX_REGIONS];
	struct rd_boot_chunk chunk[RD_MAX_CHUNKS];
};

/*
 * What EL2 leaves for the host when it panics, which only a bug of its own can
 * cause. Registers are left out once a protected VM has existed.
 */
struct rd_panic {
	u64 valid;	    /* 1: what follows is complete */
	u64 cpu;	    /* the module's number */
	u64 vector;	    /* 0 to 15, or RD_PANIC_ASSERT */
	u64 esr, elr, spsr, far, hpfar;
	u64 line;
	char file[32];	    /* of a failed assertion, as all below that ends in 0 */
	char what[160];
	u64 nr_frames;
	u64 frame[32];	    /* return addresses, offsets into the image */
	u64 has_regs;
	u64 x[32];	    /* x0 to x30, SP */
};

#define RD_PANIC_ASSERT 16

#endif /* __ASSEMBLY__ */

/* Offsets for hyp/init.S; checked by hyp/setup.c. */
#define RD_BOOT_TCR	  0
#define RD_BOOT_MAIR	  8
#define RD_BOOT_TTBR	  16
#define RD_BOOT_SCTLR	  24
#define RD_BOOT_VA_OFFSET 32
#define RD_BOOT_CPU_VA	  0
#define RD_BOOT_CPU_STACK 8

#endif /* REDOUBT_BOOT_H */
