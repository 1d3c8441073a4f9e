/*
 * lm_train.c - words to numbers, numbers to a Kneser-Ney model (jngram.h), the model to ARPA text or to
 * our binary.  Words keep the order of first sight until the vocabulary is known; ids are then by
 * frequency.  Lines wait for that in an external sort by their number, which only spills them.
 *
 * Memory: a quarter for the vocabulary, an eighth for the lines, the rest for the counts and tables;
 * the binary's entries are sorted in what the lines had.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "io/jsort.h"
#include "text/intern.h"
#include "text/jngram.h"
#include "text/lm_internal.h"
#include "text/ngram_internal.h"

enum { UNK, EOS, FIRST };		/* ids that are no word */

struct jlm_trainer {
	struct jlm_opts o;
	struct jarena arena;
	struct jintern seen;
	const char **word;		/* by number of first sight */
	size_t word_cap;
	uint64_t chars;			/* bytes of all words */
	struct jsort *lines;		/* (number, words by that number) */
	uint64_t n;
	struct jbuf line;
};

int
jlm_train_open(struct jlm_trainer **out, const struct jlm_opts *o, struct jerr *e)
{
	struct jlm_trainer *t;
	int rc;

	if (o->order < 1 || o->order > JLM_MAX_ORDER - 1 || o->min_count < 1)
		return jerr_set(e, JERR_ARG, "language model: expected an order of 1 to %d",
			JLM_MAX_ORDER - 1);
	t = jmem_zalloc(1, sizeof(*t));
	t->o = *o;
	jarena_init(&t->arena, 0);
	jbuf_init(&t->line);
	jintern_reset(&t->seen, 1 << 12);
	rc = jsort_open(&t->lines, (size_t)(o->memory / 8), NULL, e);
	if (rc < 0)
		jlm_train_abort(t);
	else
		*out = t;
	return rc;
}

void
jlm_train_abort(struct jlm_trainer *t)
{
	if (!t)
		return;
	jintern_release(&t->seen);
	jarena_release(&t->arena);
	jmem_free(t->word);
	jsort_close(t->lines);
	jbuf_release(&t->line);
	jmem_free(t);
}

/* Bytes of the vocabulary while words are numbered, in a table of that many slots. */
static uint64_t
vocabulary_bytes(const struct jlm_trainer *t, uint64_t slots)
{
	return slots * (sizeof(*t->seen.key) + sizeof(*t->seen.slot)) + t->chars +
		t->seen.count_cap * sizeof(*t->seen.count) + t->word_cap * sizeof(*t->word);
}

static int
check_vocabulary(const struct jlm_trainer *t, uint64_t slots, struct jerr *e)
{
	uint64_t bytes = vocabulary_bytes(t, slots);

	if (bytes <= t->o.memory / 4)
		return 0;
	return jerr_set(e, JERR_LIMIT, "language model: %u different words take %llu bytes, more than a quarter of "
		"the memory of %llu: give it four times as much as the words take, or less text", t->seen.n,
		(unsigned long long)bytes, (unsigned long long)t->o.memory);
}

/* The table holds as many keys as it was made for: grow it by filling another. */
static int
grow_seen(struct jlm_trainer *t, struct jerr *e)
{
	struct jintern more = { .n = 0 };
	uint32_t i;
	int rc = check_vocabulary(t, 3 * (uint64_t)t->seen.cap, e);	/* old and new side by side */

	if (rc < 0)
		return rc;
	jintern_reset(&more, t->seen.cap);
	for (i = 0; i < t->seen.n; i++) {
		jintern_put(&more, lm_word(t->word[i], strlen(t->word[i])));
		more.count[i] = t->seen.count[i];
	}
	jintern_release(&t->seen);
	t->seen = more;
	return 0;
}

static int
number_word(struct jlm_trainer *t, const char *s, size_t n, uint32_t *id, struct jerr *e)
{
	uint32_t before = t->seen.n;
	int rc = 0;

	if ((size_t)before + 1 >= t->seen.count_cap)
		rc = grow_seen(t, e);
	if (rc < 0)
		return rc;
	*id = jintern_put(&t->seen, lm_word(s, n));
	if (*id == before) {
		JMEM_GROW(t->word, t->word_cap, (size_t)*id + 1);
		t->word[*id] = jarena_strndup(&t->arena, s, n);
		t->chars += n + 1;
		rc = check_vocabulary(t, t->seen.cap, e);
	}
	return rc;
}

static void
line_add(struct jlm_trainer *t, uint32_t id)
{
	unsigned char four[4];

	jle_put32(four, id);
	jbuf_add(&t->line, four, sizeof(four));
}

int
jlm_train_add(struct jlm_trainer *t, const char *text, size_t n, struct jerr *e)
{
	struct jtext_span line;
	size_t at = 0;
	int rc = 0, i;

	while (rc == 0 && jtext_next_line(text, n, &at, &line)) {
		struct jtext_word w;
		char low[LM_WORD];
		size_t in = 0;
		uint32_t id;

		jbuf_reset(&t->line);
		for (i = 56; i >= 0; i -= 8)
			jbuf_addc(&t->line, (char)(t->n >> i));
		while (rc == 0 && jtext_next_word(text + line.at, line.n, &in, &w)) {
			rc = number_word(t, low, lm_lower(text + line.at, &w, low), &id, e);
			if (rc == 0)
				line_add(t, id);
		}
		if (rc == 0 && t->line.n > 8) {
			rc = jsort_add(t->lines, t->line.p, t->line.n, e);
			t->n++;
		}
	}
	return rc;
}

struct word {
	const char *s;
	uint32_t count, seen;
};

static int
compare_word(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->s, y->s);
}

/* names[id] for all ids, id_of[] by number of first sight; returns the size of the vocabulary. */
static uint32_t
make_vocabulary(struct jlm_trainer *t, const char ***names, uint32_t *id_of)
{
	struct word *v = jmem_alloc((size_t)t->seen.n + 1, sizeof(*v));
	uint32_t i, n = FIRST;

	for (i = 0; i < t->seen.n; i++)
		v[i] = (struct word){ t->word[i], t->seen.count[i], i };
	qsort(v, t->seen.n, sizeof(*v), compare_word);
	*names = jmem_alloc((size_t)t->seen.n + FIRST + 1, sizeof(**names));
	(*names)[UNK] = "<unk>";
	(*names)[EOS] = "</s>";
	for (i = 0; i < t->seen.n; i++) {
		id_of[v[i].seen] = UNK;
		if (v[i].count < (uint32_t)t->o.min_count)
			continue;
		(*names)[n] = v[i].s;
		id_of[v[i].seen] = n++;
	}
	(*names)[n] = "<s>";
	jmem_free(v);
	return n;
}

static int
count_lines(struct jlm_trainer *t, struct jngram_trainer *to, const uint32_t *id_of, struct jerr *e)
{
	uint32_t *id = NULL;
	const void *rec;
	size_t cap = 0, n, i;
	int rc = jsort_finish(t->lines, e);

	while (rc >= 0 && (rc = jsort_next(t->lines, &rec, &n, e)) > 0) {
		const unsigned char *p = (const unsigned char *)rec + 8;

		n = (n - 8) / 4;
		JMEM_GROW(id, cap, n + 1);
		for (i = 0; i < n; i++)
			id[i] = id_of[jle_u32(p + 4 * i)];
		id[n] = EOS;
		rc = jngram_train_add(to, id, n + 1, e);
	}
	jmem_free(id);
	jsort_close(t->lines);
	t->lines = NULL;
	return rc;
}

struct out {			/* a model on its way out */
	const struct jngram *m;
	const char **names;
	const struct jlm_sink *to;
	struct jerr *e;
	int order;			/* of the section */
	uint32_t path[JNGRAM_MAX_ORDER];
	int (*gram)(struct out *o, const char *p, const char *back);
	struct jbuf b;			/* text not yet written */
	uint64_t hash[JNGRAM_MAX_ORDER];
	struct jsort *entries;		/* (key, P, B) of the section, for the binary */
	uint32_t crc;
	uint64_t bytes;
};

static int
put_bytes(struct out *o, const void *p, size_t n)
{
	o->crc = jcrc32c(o->crc, p, n);
	o->bytes += n;
	return o->to->write(o->to->arg, p, n, o->e);
}

static int
flush_text(struct out *o, size_t least)
{
	int rc = 0;

	if (o->b.n >= least && o->b.n > 0) {
		rc = put_bytes(o, o->b.p, o->b.n);
		jbuf_reset(&o->b);
	}
	return rc;
}

/* The numbers as they stand in an ARPA file; back is NULL in the section of the highest order. */
static int
put_text(struct out *o, const char *p, const char *back)
{
	int i;

	jbuf_adds(&o->b, p);
	for (i = 0; i < o->order; i++)
		jbuf_printf(&o->b, "%c%s", i ? ' ' : '\t', o->names[o->path[i]]);
	if (back)
		jbuf_printf(&o->b, "\t%s", back);
	jbuf_addc(&o->b, '\n');
	return flush_text(o, 64 << 10);
}

/* The same n-gram as an entry of the binary, which thus says what the ARPA file says. */
static int
put_entry(struct out *o, const char *p, const char *back)
{
	float v[2] = { (float)strtod(p, NULL), back ? (float)strtod(back, NULL) : 0 };
	unsigned char rec[16];
	uint64_t key;
	uint32_t u;
	int i;

	for (i = 0; i < o->order; i++)
		o->hash[i] = lm_word(o->names[o->path[o->order - 1 - i]],
			strlen(o->names[o->path[o->order - 1 - i]]));
	key = lm_key(o->hash, o->order);
	for (i = 0; i < 8; i++)
		rec[i] = (unsigned char)(key >> (56 - 8 * i));
	for (i = 0; i < 2; i++) {
		memcpy(&u, &v[i], 4);
		jle_put32(rec + 8 + 4 * i, u);
	}
	return jsort_add(o->entries, rec, sizeof(rec), o->e);
}

static int
put_gram(struct out *o, uint64_t at)
{
	const struct jngram *m = o->m;
	double p = m->level[o->order].prob[at];
	char prob[32], back[32];

	if (o->order == 1 && o->path[0] == m->info.vocab)
		snprintf(prob, sizeof(prob), "-99");
	else
		snprintf(prob, sizeof(prob), "%.7g", p < 1 ? log10(p) : 0.0);
	if (o->order == m->info.order)
		return o->gram(o, prob, NULL);
	snprintf(back, sizeof(back), "%.7g", log10((double)m->level[o->order].back[at]));
	return o->gram(o, prob, back);
}

static int
walk(struct out *o, int k, uint64_t at)
{
	const struct ngram_level *up = &o->m->level[k];
	uint64_t i;
	int rc = 0;

	for (i = up->child[at]; i < up->child[at + 1] && rc == 0; i++) {
		o->path[k] = o->m->level[k + 1].word[i];
		rc = k + 1 == o->order ? put_gram(o, i) : walk(o, k + 1, i);
	}
	return rc;
}

/* Every word of a closed vocabulary is listed; <unk> may never have been seen. */
static bool
lacks_unk(const struct jngram *m)
{
	return jngram_child(m, 0, 0, UNK) == NGRAM_NONE;
}

static uint64_t
section_size(const struct jngram *m, int n)
{
	return m->level[n].n + (n == 1 && lacks_unk(m));
}

static int
put_section(struct out *o)
{
	const struct jngram *m = o->m;
	char prob[32];
	int rc = 0;

	if (o->order == 1 && lacks_unk(m)) {
		o->path[0] = UNK;
		snprintf(prob, sizeof(prob), "%.7g", log10((double)m->level[0].back[0] / m->info.vocab));
		rc = o->gram(o, prob, m->info.order > 1 ? "0" : NULL);
	}
	return rc == 0 ? walk(o, 0, 0) : rc;
}

static int
write_arpa(struct out *o)
{
	int n, rc = 0;

	o->gram = put_text;
	jbuf_adds(&o->b, "\\data\\\n");
	for (n = 1; n <= o->m->info.order; n++)
		jbuf_printf(&o->b, "ngram %d=%llu\n", n, (unsigned long long)section_size(o->m, n));
	for (o->order = 1; o->order <= o->m->info.order && rc == 0; o->order++) {
		jbuf_printf(&o->b, "\n\\%d-grams:\n", o->order);
		rc = put_section(o);
	}
	jbuf_adds(&o->b, "\n\\end\\\n");
	return rc == 0 ? flush_text(o, 0) : rc;
}

/* The entries of one order, by key. */
static int
write_entries(struct out *o)
{
	unsigned char entry[16];
	uint64_t key, last = 0;
	const void *rec;
	bool any = false;
	size_t n;
	int i, rc = jsort_finish(o->entries, o->e);

	while (rc >= 0 && (rc = jsort_next(o->entries, &rec, &n, o->e)) > 0) {
		for (key = 0, i = 0; i < 8; i++)
			key = key << 8 | ((const unsigned char *)rec)[i];
		if (any && key == last)
			return jerr_set(o->e, JERR_FORMAT, "language model: two %d-grams have one key", o->order);
		any = true;
		last = key;
		jle_put64(entry, key);
		memcpy(entry + 8, (const unsigned char *)rec + 8, 8);
		jbuf_add(&o->b, entry, sizeof(entry));
		rc = flush_text(o, 64 << 10);
	}
	return rc == 0 ? flush_text(o, 0) : rc;
}

static int
write_binary(struct out *o, uint64_t memory)
{
	uint64_t sizes[JNGRAM_MAX_ORDER + 1];
	int n, rc;

	o->gram = put_entry;
	for (n = 1; n <= o->m->info.order; n++)
		sizes[n] = section_size(o->m, n);
	lm_head(&o->b, o->m->info.order, sizes);
	rc = flush_text(o, 0);
	for (o->order = 1; o->order <= o->m->info.order && rc == 0; o->order++) {
		rc = jsort_open(&o->entries, (size_t)(memory / 8), NULL, o->e);
		if (rc == 0)
			rc = put_section(o);
		if (rc == 0)
			rc = write_entries(o);
		jsort_close(o->entries);
		o->entries = NULL;
	}
	lm_tail(&o->b, o->bytes, o->crc);
	return rc == 0 ? flush_text(o, 0) : rc;
}

static int
write_model(const struct jngram *m, const char **names, const struct jlm_opts *opts, const struct jlm_sink *to,
	struct jerr *e)
{
	struct out o = { .m = m, .names = names, .to = to, .e = e };
	int rc;

	jbuf_init(&o.b);
	rc = opts->binary ? write_binary(&o, opts->memory) : write_arpa(&o);
	jbuf_release(&o.b);
	return rc;
}

int
jlm_train_finish(struct jlm_trainer *t, const struct jlm_sink *to, struct jerr *e)
{
	uint32_t *id_of = jmem_alloc((size_t)t->seen.n + 1, sizeof(*id_of));
	const char **names = NULL;
	uint64_t held = t->o.memory / 8 + vocabulary_bytes(t, 0) + (uint64_t)t->seen.n * 24;
	struct jngram_opts o = { .order = t->o.order, .memory = t->o.memory > held ? t->o.memory - held : 1 };
	struct jngram_trainer *counts = NULL;
	struct jngram *m = NULL;
	int rc;

	o.vocab = make_vocabulary(t, &names, id_of);
	jintern_release(&t->seen);
	rc = jngram_train_open(&counts, &o, e);
	if (rc == 0)
		rc = count_lines(t, counts, id_of, e);
	jmem_free(id_of);
	if (rc == 0)
		rc = jngram_train_finish(counts, &m, e);
	else
		jngram_train_abort(counts);
	if (rc == 0)
		rc = write_model(m, names, &t->o, to, e);
	jngram_free(m);
	jmem_free(names);
	jlm_train_abort(t);
	return rc;
}
