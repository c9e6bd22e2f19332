// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The transition of RAM pages between the host and one other component. What a
 * verb needs and does is a row of a table; one engine checks and commits all of
 * them, so that the order of things is written down, and can be wrong, once.
 *
 * Checks (invariant 5): every record of every page, then the other space, then
 * the reservations of both spaces. Nothing is written until all have passed.
 * Commit: take the pages out of the spaces that lose them, which includes their
 * TLB entries (3); zero what the host will read (4), or clean what a guest will;
 * write the records (1); only then let the new user map them (2).
 *
 * Locks: the host's, then the other space's, for the whole of check and commit.
 */
#include "own_private.h"

#define NO_EDIT 0xff

/* Stands for the guest at hand in the records of the table. */
#define THE_GUEST	    OWN_ID_MAX
#define OWN_REC_GUEST	    OWN_REC(THE_GUEST, OWN_LENT_NONE)
#define OWN_REC_GUEST_HOST  OWN_REC(THE_GUEST, OWN_LENT_HOST)

/* When in the guest's life. */
enum { WHEN_ANY, WHEN_LIVE, WHEN_DYING };

/* Where the physical pages are found: the host's address, or the guest's tables. */
enum { FIND_HOST, FIND_GUEST };

/* How records are checked and rewritten. */
enum {
	RECORDS_EXACT,	 /* all are .before, and become .after */
	RECORDS_SHARE,	 /* one more guest borrows them */
	RECORDS_UNSHARE, /* one guest less */
	RECORDS_RECLAIM, /* the guest's, lent to the host or not; become the host's */
};

struct own_rule {
	u8 source, target; /* enum own_kind; one of them is the host */
	u8 when;
	u8 find;
	u8 host_edit, other_edit; /* enum own_edit, or NO_EDIT */
	u8 records;
	bool zero, clean;
	u32 before, after;
};

#define HOST OWN_KIND_HOST
#define HYP  OWN_KIND_HYP
#define ORD  OWN_KIND_GUEST_ORDINARY
#define PROT OWN_KIND_GUEST_PROTECTED

static const struct own_rule own_rules[OWN_NR_VERBS] = {
	[OWN_HOST_SHARE_HYP] = { HOST, HYP, WHEN_ANY, FIND_HOST, NO_EDIT, OWN_EDIT_MAP,
		RECORDS_EXACT, .before = OWN_REC_HOST, .after = OWN_REC_HOST_HYP },
	[OWN_HOST_UNSHARE_HYP] = { HOST, HYP, WHEN_ANY, FIND_HOST, NO_EDIT, OWN_EDIT_UNMAP,
		RECORDS_EXACT, .before = OWN_REC_HOST_HYP, .after = OWN_REC_HOST },
	[OWN_HOST_DONATE_HYP] = { HOST, HYP, WHEN_ANY, FIND_HOST, OWN_EDIT_UNMAP, OWN_EDIT_MAP,
		RECORDS_EXACT, .before = OWN_REC_HOST, .after = OWN_REC_HYP },
	[OWN_HYP_DONATE_HOST] = { HYP, HOST, WHEN_ANY, FIND_HOST, OWN_EDIT_MAP, OWN_EDIT_UNMAP,
		RECORDS_EXACT, .zero = true, .before = OWN_REC_HYP, .after = OWN_REC_HOST },
	[OWN_HOST_SHARE_GUEST] = { HOST, ORD, WHEN_LIVE, FIND_HOST, NO_EDIT, OWN_EDIT_MAP,
		RECORDS_SHARE, .clean = true, .before = OWN_REC_HOST_GUESTS },
	[OWN_HOST_UNSHARE_GUEST] = { HOST, ORD, WHEN_ANY, FIND_GUEST, NO_EDIT, OWN_EDIT_UNMAP,
		RECORDS_UNSHARE, .before = OWN_REC_HOST_GUESTS },
	[OWN_HOST_DONATE_GUEST] = { HOST, PROT, WHEN_LIVE, FIND_HOST, OWN_EDIT_UNMAP, OWN_EDIT_MAP,
		RECORDS_EXACT, .clean = true, .before = OWN_REC_HOST, .after = OWN_REC_GUEST },
	[OWN_GUEST_SHARE_HOST] = { PROT, HOST, WHEN_LIVE, FIND_GUEST, OWN_EDIT_MAP, NO_EDIT,
		RECORDS_EXACT, .before = OWN_REC_GUEST, .after = OWN_REC_GUEST_HOST },
	[OWN_GUEST_UNSHARE_HOST] = { PROT, HOST, WHEN_LIVE, FIND_GUEST, OWN_EDIT_UNMAP, NO_EDIT,
		RECORDS_EXACT, .clean = true, .before = OWN_REC_GUEST_HOST,
		.after = OWN_REC_GUEST },
	[OWN_GUEST_DONATE_HOST] = { PROT, HOST, WHEN_LIVE, FIND_GUEST, OWN_EDIT_MAP,
		OWN_EDIT_UNMAP, RECORDS_EXACT, .zero = true, .before = OWN_REC_GUEST,
		.after = OWN_REC_HOST },
	[OWN_GUEST_RECLAIM] = { PROT, HOST, WHEN_DYING, FIND_GUEST, OWN_EDIT_MAP, OWN_EDIT_UNMAP,
		RECORDS_RECLAIM, .zero = true, .before = OWN_REC_GUEST, .after = OWN_REC_HOST },
	[OWN_GUEST_FORCE_RECLAIM] = { PROT, HOST, WHEN_LIVE, FIND_GUEST, OWN_EDIT_MAP,
		OWN_EDIT_POISON, RECORDS_RECLAIM, .zero = true, .before = OWN_REC_GUEST,
		.after = OWN_REC_HOST },
};

/* Pages of a job that are contiguous, with their records. */
struct own_piece {
	u64 pa;
	u64 addr;
	u64 nr_pages;
	const struct vmemmap_region *region;
	u64 index; /* of the first page's record */
	bool uniform; /* the check has found all records equal */
};

/* One transition under way. */
struct own_job {
	struct own_ctx *ctx;
	const struct own_rule *rule;
	struct own_space *other; /* hyp or guest */
	u64 pa;			 /* FIND_HOST: of the first page */
	u64 addr;		 /* in @other */
	u64 nr_pages;
	u32 prot; /* of a mapping in @other */
	u32 before, after;
	bool is_whole;		/* all is one piece: found once, used thrice */
	struct own_piece whole; /* that piece, from check_pieces() on */
};

/* The piece of a guest's range that begins at @piece->addr. */
static int find_in_guest(const struct own_job *job, struct own_piece *piece, u64 nr_pages)
{
	const struct own_ctx *ctx = job->ctx;
	const struct vmemmap_region *region;
	struct own_run run;
	u64 pfn, left;
	int ret;

	ret = job->other->ops->lookup(job->other, piece->addr, nr_pages, &run);
	if (ret)
		return ret;
	if (run.kind == OWN_RUN_NONE)
		return -ENOENT;
	if (run.kind == OWN_RUN_POISONED)
		return -EPERM;
	pfn = run.pa.v >> ctx->page_shift;
	region = vmemmap_region(&ctx->mem, pfn);
	if (!region)
		return -EPERM; /* a device */
	left = region->pfn + region->nr_pages - pfn;
	piece->pa = run.pa.v;
	piece->nr_pages = run.nr_pages < left ? run.nr_pages : left;
	piece->region = region;
	piece->index = pfn - region->pfn;
	return 0;
}

/* The piece of a job that begins @done pages into it. */
static int find_piece(const struct own_job *job, u64 done, struct own_piece *piece)
{
	const struct own_ctx *ctx = job->ctx;

	piece->addr = job->addr + own_bytes(ctx, done);
	piece->uniform = false;
	if (job->rule->find == FIND_GUEST)
		return find_in_guest(job, piece, job->nr_pages - done);
	piece->pa = job->pa;
	piece->nr_pages = job->nr_pages;
	piece->region = vmemmap_range(&ctx->mem, job->pa >> ctx->page_shift, job->nr_pages);
	if (!piece->region)
		return -ERANGE;
	piece->index = (job->pa >> ctx->page_shift) - piece->region->pfn;
	return 0;
}

/* The same, once check_pieces() has looked at all of them. @room: for one of several. */
static const struct own_piece *piece_at(const struct own_job *job, u64 done, struct own_piece *room)
{
	int ret;

	if (job->is_whole)
		return &job->whole;
	ret = find_piece(job, done, room);
	/* The locks have been held since. */
	port_assert(!ret);
	return room;
}

static int check_exact(u32 record, u32 want)
{
	if (port_likely(record == want))
		return 0;
	return (record ^ want) & ~OWN_REC_COUNT_MASK ? -EPERM : -EBUSY;
}

static int check_share(u32 record)
{
	if (record == OWN_REC_HOST)
		return 0;
	if ((record & ~OWN_REC_COUNT_MASK) != OWN_REC_HOST_GUESTS)
		return -EPERM;
	return own_count(record) < OWN_COUNT_MAX ? 0 : -EBUSY;
}

static int check_unshare(u32 record)
{
	bool lent = (record & ~OWN_REC_COUNT_MASK) == OWN_REC_HOST_GUESTS;

	return lent && own_count(record) ? 0 : -EPERM;
}

/* May a page with this record make the job's transition? */
static int check_record(const struct own_job *job, u32 record)
{
	switch (job->rule->records) {
	case RECORDS_SHARE:
		return check_share(record);
	case RECORDS_UNSHARE:
		return check_unshare(record);
	case RECORDS_RECLAIM:
		return record == job->before || record == OWN_REC(job->before, OWN_LENT_HOST) ?
			       0 : -EPERM;
	default:
		return check_exact(record, job->before);
	}
}

/* The record afterwards. */
static u32 next_record(const struct own_job *job, u32 record)
{
	switch (job->rule->records) {
	case RECORDS_SHARE:
		return (record | OWN_REC_HOST_GUESTS) + OWN_REC_COUNT_ONE;
	case RECORDS_UNSHARE:
		return own_count(record) == 1 ? OWN_REC_HOST : record - OWN_REC_COUNT_ONE;
	default:
		return job->after;
	}
}

static u32 record_at(const struct own_piece *piece, u64 i)
{
	return piece->region->records[piece->index + i];
}

/* How many of the piece's records, from @i on, are equal? */
static u64 equal_from(const struct own_job *job, const struct own_piece *piece, u64 i)
{
	return own_records_prefix(&job->ctx->mem, piece->region, piece->index + i,
				  piece->nr_pages - i);
}

static int check_records(const struct own_job *job, struct own_piece *piece)
{
	u64 i, run = 0, nr = piece->nr_pages;
	int ret = 0;

	for (i = 0; !ret && i < nr; i += run) {
		ret = check_record(job, record_at(piece, i));
		run = equal_from(job, piece, i);
	}
	piece->uniform = run == nr;
	return ret;
}

/* Records that are exact, or a reclaimed part, are equal as they are. */
static void commit_records(const struct own_job *job, const struct own_piece *piece)
{
	bool mixed = !piece->uniform && (job->rule->records == RECORDS_SHARE ||
					 job->rule->records == RECORDS_UNSHARE);
	u64 i, run = piece->nr_pages;

	for (i = 0; i < piece->nr_pages; i += run) {
		if (mixed)
			run = equal_from(job, piece, i);
		own_records_write(&job->ctx->mem, piece->region, piece->index + i, run,
				  next_record(job, record_at(piece, i)));
	}
}

/* Does @other map each page of the job where its address says? For the hyp's linear map. */
static int hyp_check_mapped(const struct own_job *job)
{
	u64 done, off;
	struct own_run run;
	int ret;

	for (done = 0; done < job->nr_pages; done += run.nr_pages) {
		off = own_bytes(job->ctx, done);
		ret = job->other->ops->lookup(job->other, job->addr + off, job->nr_pages - done,
					      &run);
		if (ret)
			return ret;
		if (run.kind != OWN_RUN_MAPPED || run.pa.v != job->pa + off)
			return -EPERM;
	}
	return 0;
}

/* What @other has at the job's addresses; a guest's mappings were looked up before. */
static int check_other(const struct own_job *job)
{
	if (job->rule->other_edit == OWN_EDIT_MAP)
		return job->other->ops->check_unmapped(job->other, job->addr, job->nr_pages);
	if (job->other->kind == OWN_KIND_HYP)
		return hyp_check_mapped(job);
	return 0;
}

static int prepare_host(const struct own_job *job)
{
	struct own_space *host = job->ctx->host;
	const struct own_piece *piece;
	struct own_piece room;
	u64 done;
	int ret = 0;

	for (done = 0; done < job->nr_pages && !ret; done += piece->nr_pages) {
		piece = piece_at(job, done, &room);
		ret = host->ops->prepare(host, (enum own_edit)job->rule->host_edit, piece->pa,
					 piece->nr_pages);
	}
	return ret;
}

static int check_pieces(struct own_job *job)
{
	struct own_piece *piece = &job->whole;
	u64 done = 0;
	int ret;

	do {
		ret = find_piece(job, done, piece);
		if (!ret)
			ret = check_records(job, piece);
		if (ret)
			return ret;
		done += piece->nr_pages;
	} while (done < job->nr_pages);
	job->is_whole = piece->nr_pages == job->nr_pages;
	return 0;
}

static int check_job(struct own_job *job)
{
	const struct own_rule *rule = job->rule;
	int ret = check_pieces(job);

	if (!ret)
		ret = check_other(job);
	if (!ret && rule->host_edit != NO_EDIT)
		ret = prepare_host(job);
	if (!ret && rule->other_edit != NO_EDIT)
		ret = job->other->ops->prepare(job->other, (enum own_edit)rule->other_edit,
					       job->addr, job->nr_pages);
	return ret;
}

/* Take the pages from whoever loses them. TLB maintenance is complete afterwards. */
static void commit_unmap(const struct own_job *job, const struct own_piece *piece)
{
	struct own_space *host = job->ctx->host, *other = job->other;

	if (job->rule->host_edit == OWN_EDIT_UNMAP)
		host->ops->unmap(host, piece->pa, piece->nr_pages, other->id);
	if (job->rule->other_edit == OWN_EDIT_UNMAP)
		other->ops->unmap(other, piece->addr, piece->nr_pages, host->id);
	else if (job->rule->other_edit == OWN_EDIT_POISON)
		other->ops->poison(other, piece->addr, piece->nr_pages);
}

/* Give them to whoever gains them. */
static void commit_map(const struct own_job *job, const struct own_piece *piece)
{
	struct own_space *host = job->ctx->host, *other = job->other;

	if (job->rule->host_edit == OWN_EDIT_MAP)
		host->ops->map(host, piece->pa, pa(piece->pa), piece->nr_pages, OWN_PROT_RWX);
	if (job->rule->other_edit == OWN_EDIT_MAP)
		other->ops->map(other, piece->addr, pa(piece->pa), piece->nr_pages, job->prot);
}

/* Pages that nobody who loses them can reach any more get their new user. */
static void commit_piece(const struct own_job *job, const struct own_piece *piece)
{
	const struct own_env_ops *env = job->ctx->env;

	if (job->rule->zero)
		env->zero(job->ctx, pa(piece->pa), piece->nr_pages);
	else if (job->rule->clean && env->clean)
		env->clean(job->ctx, pa(piece->pa), piece->nr_pages);
	commit_records(job, piece);
	commit_map(job, piece);
}

/*
 * Reclaim takes pages that are the guest's alone and pages that are lent to the
 * host. Of the latter the host has a mapping already and may have read them: they
 * are not zeroed, which would destroy what the host is using. (The guest has lost
 * the piece as one, so that a block of its tables went without being split.)
 */
static void commit_reclaim(const struct own_job *job, const struct own_piece *piece)
{
	struct own_piece part = *piece;
	u64 left;

	for (left = piece->nr_pages; left; left -= part.nr_pages) {
		part.nr_pages = left;
		part.nr_pages = equal_from(job, &part, 0);
		if (record_at(&part, 0) == job->before)
			commit_piece(job, &part);
		else
			commit_records(job, &part);
		part.index += part.nr_pages;
		part.pa += own_bytes(job->ctx, part.nr_pages);
	}
}

static void commit_job(const struct own_job *job)
{
	const struct own_piece *piece;
	struct own_piece room;
	u64 done;

	for (done = 0; done < job->nr_pages; done += piece->nr_pages) {
		piece = piece_at(job, done, &room);
		commit_unmap(job, piece);
		if (job->rule->records == RECORDS_RECLAIM)
			commit_reclaim(job, piece);
		else
			commit_piece(job, piece);
	}
	if (!own_is_guest(job->other) || job->rule->other_edit == NO_EDIT)
		return;
	if (job->rule->other_edit == OWN_EDIT_MAP)
		job->other->nr_pages += job->nr_pages;
	else
		job->other->nr_pages -= job->nr_pages;
}

/* Is @space the component that the table names? Of guests the kind is checked later. */
static bool space_fits(const struct own_ctx *ctx, const struct own_space *space, u32 kind)
{
	if (kind == OWN_KIND_HOST)
		return space == ctx->host;
	if (kind == OWN_KIND_HYP)
		return space == ctx->hyp;
	return space && own_is_guest(space);
}

bool own_verb_from_host(enum own_verb verb)
{
	return own_rules[verb].source == HOST;
}

struct own_space *own_transition_other(const struct own_ctx *ctx, const struct own_transition *tx)
{
	const struct own_rule *rule;

	if ((u32)tx->verb >= OWN_NR_VERBS)
		return NULL;
	rule = &own_rules[tx->verb];
	if (!space_fits(ctx, tx->source.space, rule->source) ||
	    !space_fits(ctx, tx->target.space, rule->target))
		return NULL;
	return own_verb_from_host(tx->verb) ? tx->target.space : tx->source.space;
}

static int check_guest(const struct own_rule *rule, enum own_verb verb,
		       const struct own_space *guest)
{
	u32 kind = rule->source == HOST ? rule->target : rule->source;

	if (guest->kind != kind)
		return -EPERM;
	if (rule->when == WHEN_LIVE && guest->life != OWN_LIVE)
		return verb == OWN_GUEST_FORCE_RECLAIM ? -EAGAIN : -EPERM;
	if (rule->when == WHEN_DYING && guest->life != OWN_DYING)
		return -EPERM;
	return 0;
}

/* An aligned range of bytes that starts at @addr, inside 2^52? */
static bool addr_ok(const struct own_ctx *ctx, u64 addr, u64 nr_pages)
{
	return !(addr & (own_bytes(ctx, 1) - 1)) &&
	       own_frames_ok(ctx, addr >> ctx->page_shift, nr_pages, OWN_ADDR_BITS);
}

static int check_addresses(const struct own_job *job)
{
	if (job->rule->find == FIND_HOST && !addr_ok(job->ctx, job->pa, job->nr_pages))
		return -EINVAL;
	if (job->other == job->ctx->hyp)
		return job->addr == job->pa + job->other->va_offset ? 0 : -EINVAL;
	return addr_ok(job->ctx, job->addr, job->nr_pages) ? 0 : -EINVAL;
}

static u32 prot_of(const struct own_transition *tx, const struct own_space *other)
{
	if (other->kind == OWN_KIND_HYP)
		return OWN_PROT_RW;
	return tx->verb == OWN_HOST_SHARE_GUEST ? tx->prot : OWN_PROT_RWX;
}

/* The table's record, with the guest at hand put in. */
static u32 record_for(u32 record, const struct own_space *other)
{
	if ((record & OWN_REC_OWNER_MASK) != THE_GUEST)
		return record;
	return (record & ~OWN_REC_OWNER_MASK) | other->id;
}

/* All but the pieces, which check_pieces() finds. */
static void init_job(struct own_job *job, struct own_ctx *ctx, const struct own_transition *tx)
{
	const struct own_rule *rule = &own_rules[tx->verb];
	bool from_host = rule->source == HOST;

	job->ctx = ctx;
	job->rule = rule;
	job->other = from_host ? tx->target.space : tx->source.space;
	job->pa = from_host ? tx->source.addr : tx->target.addr;
	job->addr = from_host ? tx->target.addr : tx->source.addr;
	job->nr_pages = tx->nr_pages;
	job->prot = prot_of(tx, job->other);
	job->before = record_for(rule->before, job->other);
	job->after = record_for(rule->after, job->other);
}

int own_apply_locked(struct own_ctx *ctx, const struct own_transition *tx)
{
	struct own_job job;
	int ret;

	init_job(&job, ctx, tx);
	ret = check_addresses(&job);
	if (!ret && (!(job.prot & OWN_PROT_R) || job.prot & ~OWN_PROT_RWX))
		ret = -EINVAL;
	if (!ret && own_is_guest(job.other))
		ret = check_guest(job.rule, tx->verb, job.other);
	if (!ret)
		ret = check_job(&job);
	if (!ret)
		commit_job(&job);
	return ret;
}

int own_apply(struct own_ctx *ctx, const struct own_transition *tx)
{
	struct own_space *other = own_transition_other(ctx, tx);
	int ret;

	if (!other)
		return -EINVAL;
	own_lock(ctx, other);
	ret = own_apply_locked(ctx, tx);
	own_unlock(ctx, other);
	return ret;
}
