/* decontest.c - how many items that are surely there are found, and how many that are not. */
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jstr.h"
#include "decon.h"

enum { AS_IT_IS, WRAPPED, CHANGED, VARIANTS, WRAP = 8, PIECE = 6, MOST_WORDS = 2000 };

struct words {
	const char *p[MOST_WORDS];
	size_t n[MOST_WORDS], count;
};

static void
split(const char *s, struct words *w)
{
	w->count = 0;
	while (w->count < MOST_WORDS) {
		s += strspn(s, " \t\r\n");
		if (!*s)
			return;
		w->p[w->count] = s;
		w->n[w->count] = strcspn(s, " \t\r\n");
		s += w->n[w->count++];
	}
}

/* The question, eight words a line, as a mailer or a comment would have it. */
static void
put_wrapped(struct jbuf *b, const char *question)
{
	struct words w;
	size_t i;

	split(question, &w);
	for (i = 0; i < w.count; i++) {
		jbuf_adds(b, i == 0 ? "" : i % WRAP ? " " : "\n# ");
		jbuf_add(b, w.p[i], w.n[i]);
	}
}

/* One word replaced, left out or put in. */
static void
put_changed(struct jbuf *b, const char *question, struct jrand *r)
{
	struct words w;
	size_t i, at;
	int how = (int)jrand_below(r, 3);

	split(question, &w);
	at = w.count ? (size_t)jrand_below(r, w.count) : 0;
	for (i = 0; i < w.count; i++) {
		if (i == at && how != 0)
			jbuf_adds(b, "otherwise ");
		if (i == at && how != 2)
			continue;
		jbuf_add(b, w.p[i], w.n[i]);
		jbuf_addc(b, ' ');
	}
}

/* Half of the item and half of another, in pieces of six words: templates, but no item. */
static void
put_decoy(struct jbuf *b, const char *one, const char *two)
{
	struct words v, w;
	const struct words *from;
	size_t i;

	split(one, &v);
	split(two, &w);
	for (i = 0; i < v.count && i < w.count; i++) {
		from = i / PIECE % 2 ? &w : &v;
		jbuf_add(b, from->p[i], from->n[i]);
		jbuf_addc(b, ' ');
	}
}

/* Is the item found in a host with this put into its middle? */
static bool
is_found(const struct decon *x, struct jevals_scan *s, const char *host, const struct jbuf *put,
	size_t item)
{
	size_t n = strlen(host), middle = n / 2, hits, i;
	const struct jevals_hit *hit;
	struct jbuf text;
	bool found = false;
	double score;

	while (middle > 0 && host[middle - 1] != '\n' && host[middle - 1] != ' ')
		middle--;
	jbuf_init(&text);
	jbuf_add(&text, host, middle);
	jbuf_adds(&text, "\n\n");
	jbuf_add(&text, put->p, put->n);
	jbuf_adds(&text, "\n\n");
	jbuf_adds(&text, host + middle);
	hits = jevals_scan(x->sets.evals, s, text.p, text.n, &hit);
	for (i = 0; i < hits && !found; i++)
		found = hit[i].item == item &&
			jevals_judge(x->sets.evals, &hit[i], NULL, &x->limits, &score);
	jbuf_release(&text);
	return found;
}

static void
try_item(struct decon *x, struct jevals_scan *s, size_t item, const char *host, struct jrand *r)
{
	const struct jevals *v = x->sets.evals;
	bool is_long = jevals_words(v, item) >= JEVALS_LONG;
	struct decon_rate *rate = is_long ? x->longs : x->shorts;
	struct jbuf put;
	int how;

	jbuf_init(&put);
	for (how = AS_IT_IS; how < VARIANTS; how++) {
		jbuf_reset(&put);
		if (how == AS_IT_IS)
			jbuf_adds(&put, jevals_question(v, item));
		else if (how == WRAPPED)
			put_wrapped(&put, jevals_question(v, item));
		else
			put_changed(&put, jevals_question(v, item), r);
		jbuf_printf(&put, "\n%s", jevals_answer(v, item));
		rate[how].tried++;
		rate[how].found += is_found(x, s, host, &put, item);
	}
	jbuf_reset(&put);
	put_decoy(&put, jevals_question(v, item),
		jevals_question(v, (size_t)jrand_below(r, jevals_size(v))));
	if (jevals_size(v) > 1) {
		x->decoys.tried++;
		x->decoys.found += is_found(x, s, host, &put, item);
	}
	jbuf_release(&put);
}

void
decon_test(struct decon *x)
{
	uint64_t n = jevals_size(x->sets.evals), i, item;
	uint64_t seed = (uint64_t)jcli_common(x->d.cli)->seed;
	struct jevals_scan *s = jevals_scan_new();
	struct jrand r;

	for (i = 0; i < n && i < (uint64_t)x->opts->inject; i++) {
		item = jrand_permute(i, n, seed, 1);
		jrand_init(&r, seed, item);
		try_item(x, s, (size_t)item, x->hosts ? x->host[i % x->hosts] : "", &r);
	}
	jevals_scan_free(s);
}

static double
share(uint64_t found, uint64_t tried)
{
	return tried ? (double)found / (double)tried : 0;
}

static void
put_rates(struct jbuf *b, const char *name, const struct decon_rate *r)
{
	static const char *const variants[] = { "verbatim", "wrapped", "one_word_changed" };
	struct jbuf v;
	int i;

	if (r[0].tried == 0)
		return;
	jbuf_init(&v);
	jrec_begin(&v);
	jrec_put_int(&v, "items", (int64_t)r[0].tried);
	for (i = 0; i < VARIANTS; i++)
		jrec_put_num(&v, variants[i], share(r[i].found, r[i].tried));
	jrec_end(&v);
	jbuf_trim(&v);
	jrec_put_raw(b, name, v.p, v.n);
	jbuf_release(&v);
}

static void
put_sets(struct decon *x, struct jbuf *b)
{
	struct jbuf v, one;
	size_t i, item = 0, k;
	uint64_t found;

	jbuf_init(&v);
	jbuf_init(&one);
	jbuf_addc(&v, '[');
	for (i = 0; i < x->sets.n; i++) {
		const struct decon_set *set = &x->sets.v[i];

		for (found = 0, k = 0; k < set->items; k++)
			found += x->found[item++] > 0;
		jbuf_reset(&one);
		jrec_begin(&one);
		jrec_put_str(&one, "set", set->name, strlen(set->name));
		jrec_put_int(&one, "items", (int64_t)set->items);
		jrec_put_int(&one, "skipped", (int64_t)set->skipped);
		jrec_put_int(&one, "found", (int64_t)found);
		jrec_end(&one);
		jbuf_trim(&one);
		jbuf_adds(&v, i ? "," : "");
		jbuf_add(&v, one.p, one.n);
	}
	jbuf_addc(&v, ']');
	jrec_put_raw(b, "sets", v.p, v.n);
	jbuf_release(&v);
	jbuf_release(&one);
}

static void
tell(const struct decon *x)
{
	struct decon_rate r[VARIANTS];
	int i;

	for (i = 0; i < VARIANTS; i++) {
		r[i].tried = x->longs[i].tried + x->shorts[i].tried;
		r[i].found = x->longs[i].found + x->shorts[i].found;
	}
	jcli_info(x->d.cli, "%llu of %llu documents hold items; %llu hits were boilerplate",
		(unsigned long long)x->flagged, (unsigned long long)x->docs,
		(unsigned long long)x->boilerplate);
	if (r[0].tried > 0)
		jcli_info(x->d.cli, "of %llu items put in: found %.1f %% as they are, %.1f %% wrapped, "
			"%.1f %% with a word changed; %.2f %% of %llu decoys",
			(unsigned long long)r[0].tried, 100 * share(r[0].found, r[0].tried),
			100 * share(r[1].found, r[1].tried), 100 * share(r[2].found, r[2].tried),
			100 * share(x->decoys.found, x->decoys.tried),
			(unsigned long long)x->decoys.tried);
}

int
decon_report(struct decon *x, struct jerr *e)
{
	struct jbuf b, decoys;
	int rc = 0;

	jbuf_init(&b);
	jbuf_init(&decoys);
	jrec_begin(&b);
	jrec_put_int(&b, "documents", (int64_t)x->docs);
	jrec_put_int(&b, "contaminated", (int64_t)x->flagged);
	jrec_put_int(&b, "boilerplate_hits", (int64_t)x->boilerplate);
	put_rates(&b, "recall", x->longs);
	put_rates(&b, "recall_under_13_words", x->shorts);
	jrec_begin(&decoys);
	jrec_put_int(&decoys, "tried", (int64_t)x->decoys.tried);
	jrec_put_num(&decoys, "found", share(x->decoys.found, x->decoys.tried));
	jrec_end(&decoys);
	jbuf_trim(&decoys);
	jrec_put_raw(&b, "decoys", decoys.p, decoys.n);
	put_sets(x, &b);
	jrec_end(&b);
	tell(x);
	if (x->opts->report)
		rc = jout_put(x->opts->report, b.p, b.n, e);
	jbuf_release(&b);
	jbuf_release(&decoys);
	return rc;
}
