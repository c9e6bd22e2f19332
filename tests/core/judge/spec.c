// SPDX-License-Identifier: GPL-2.0-only
/* Random regimes, and words for them. */
#include "world.h"

/* What the walk has to know about a CPU, from what core knows of it. */
struct walk_cpu spec_walk_cpu(const struct pgt_cpu_features *f, u8 granule_shift)
{
	u8 i = PGT_GRANULE_INDEX(granule_shift);

	return (struct walk_cpu){
		.pa_bits = f->pa_bits,
		.lpa2 = f->granule_s1[i] == PGT_GRANULE_LPA2 &&
			f->granule_s2[i] == PGT_GRANULE_LPA2,
		.lva = f->lva,
		.ttst = f->ttst,
		.xnx = f->xnx,
		.hafdbs = f->ha,
		.ttl = f->ttl,
		.tlbirange = f->tlbirange,
	};
}

static void random_cpu(struct pgt_cpu_features *cpu, struct rng *rng)
{
	static const u8 pa_bits[] = {52, 48, 44, 42, 40, 36, 52, 52};
	bool lpa2 = rng_chance(rng, 60);
	int i;

	memset(cpu, 0, sizeof(*cpu));
	cpu->pa_bits = pa_bits[rng_below(rng, 8)];
	for (i = 0; i < 3; i++) {
		bool wide = lpa2 && i < 2 && cpu->pa_bits == 52;

		cpu->granule_s1[i] = wide ? PGT_GRANULE_LPA2 : PGT_GRANULE_48;
		cpu->granule_s2[i] = cpu->granule_s1[i];
	}
	cpu->vmid_bits = 16;
	cpu->ha = rng_chance(rng, 75);
	cpu->hd = cpu->ha && rng_chance(rng, 75);
	cpu->xnx = rng_chance(rng, 75);
	cpu->fwb = rng_chance(rng, 50);
	cpu->ttl = rng_chance(rng, 75);
	cpu->ttst = rng_chance(rng, 75);
	cpu->lva = rng_chance(rng, 75);
	cpu->tlbirange = rng_chance(rng, 70);
}

static void random_request(struct spec *spec, struct rng *rng)
{
	static const u8 oa_bits[] = {0, 0, 0, 48, 52, 44, 40, 36};
	struct pgt_request *req = &spec->req;

	memset(req, 0, sizeof(*req));
	req->stage = rng_chance(rng, 75) ? PGT_STAGE2 : PGT_STAGE1;
	req->granule_shift = (u8)(12 + 2 * rng_below(rng, 3));
	req->ia_bits =
		(u8)(rng_chance(rng, 30) ? 52 - 4 * rng_below(rng, 2) : 28 + rng_below(rng, 25));
	req->oa_bits = oa_bits[rng_below(rng, 8)];
	req->lpa2 = (enum pgt_lpa2)rng_below(rng, 3);
	if (req->stage == PGT_STAGE2 && rng_chance(rng, 50)) {
		req->start_given = true;
		req->start_level = (s8)((int)rng_below(rng, 5) - 1);
	}
	req->ha = rng_chance(rng, 60);
	req->hd = req->ha && rng_chance(rng, 70);
	req->vmid16 = req->stage == PGT_STAGE2 && rng_chance(rng, 50);
}

/* Interesting places: both ends, a border between two root entries, anywhere. */
static void random_anchors(struct spec *spec, const struct pgt_geometry *geo, struct rng *rng)
{
	u64 top = (u64)1 << geo->ia_bits;
	u64 root_entry = pgt_level_size(geo, geo->start_level);
	u64 page = (u64)1 << geo->granule_shift;
	u64 back = page * (1 + rng_below(rng, 40));

	spec->anchor[0] = 0;
	spec->anchor[1] = top - back;
	spec->anchor[2] = root_entry * (1 + rng_below(rng, geo->root_entries)) - back;
	spec->anchor[3] = (rng_next(rng, 7) & (top - 1)) & ~(page - 1);
	if (rng_chance(rng, 50))
		spec->anchor[3] &= ~(pgt_level_size(geo, 2) - 1);
}

void spec_random(struct spec *spec, struct rng *rng)
{
	struct pgt_geometry geo;
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		random_cpu(&spec->cpu, rng);
		random_request(spec, rng);
		if (!pgt_geometry_init(&geo, &spec->req, &spec->cpu))
			break;
		if (rng->dry || tries == 999) {
			/* Something that every CPU has. */
			spec->req = (struct pgt_request){
				.stage = PGT_STAGE2, .granule_shift = 12, .ia_bits = 36};
			if (pgt_geometry_init(&geo, &spec->req, &spec->cpu))
				abort();
			break;
		}
	}
	spec->fwb = geo.stage == PGT_STAGE2 && spec->cpu.fwb && rng_chance(rng, 60);
	spec->table_pa = rng_next(rng, 7) & (((u64)1 << geo.oa_bits) - 1);
	/* Room for 32 MiB above it. */
	spec->table_pa &= ~(((u64)1 << 25) - 1);
	random_anchors(spec, &geo, rng);
}

void spec_print(const struct spec *spec)
{
	const struct pgt_request *r = &spec->req;
	struct pgt_geometry geo;

	if (pgt_geometry_init(&geo, r, &spec->cpu)) {
		printf("  a geometry that core refuses\n");
		return;
	}
	printf("  stage %d, %dK granule, %d-bit input from level %d (%u root entries in %u "
	       "tables), "
	       "%d-bit output%s%s%s%s\n",
	       geo.stage, 1 << (geo.granule_shift - 10), geo.ia_bits, geo.start_level,
	       geo.root_entries, geo.root_tables, geo.oa_bits,
	       geo.format == PGT_FORMAT_LPA2  ? " (LPA2)"
	       : geo.format == PGT_FORMAT_LPA ? " (LPA)"
					      : "",
	       geo.ha ? ", HA" : "", geo.hd ? ", HD" : "", spec->fwb ? ", FWB" : "");
	printf("  CPU: %d-bit PA%s%s%s%s%s%s; tables at %#llx\n", spec->cpu.pa_bits,
	       spec_walk_cpu(&spec->cpu, r->granule_shift).lpa2 ? " LPA2" : "",
	       spec->cpu.xnx ? " XNX" : "", spec->cpu.ttl ? " TTL" : "",
	       spec->cpu.tlbirange ? " TLBIRANGE" : "", spec->cpu.ttst ? " TTST" : "",
	       spec->cpu.lva ? " LVA" : "", spec->table_pa);
}
