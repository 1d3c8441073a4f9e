/*
 * lm_train.c - words to numbers, numbers to a Kneser-Ney model (jngram.h), the model to ARPA text.
 * Words keep the order of first sight until the vocabulary is known; ids are then by frequency.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
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
	uint32_t *text;			/* words by that number; UINT32_MAX ends a line */
	size_t n, cap;
};

int
jlm_train_open(struct jlm_trainer **out, const struct jlm_opts *o, struct jerr *e)
{
	struct jlm_trainer *t;

	if (o->order < 1 || o->order > JLM_MAX_ORDER - 1 || o->min_count < 1)
		return jerr_set(e, JERR_ARG, "language model: expected an order of 1 to %d",
			JLM_MAX_ORDER - 1);
	t = jmem_zalloc(1, sizeof(*t));
	t->o = *o;
	jarena_init(&t->arena, 0);
	jintern_reset(&t->seen, 1 << 16);
	*out = t;
	return 0;
}

void
jlm_train_abort(struct jlm_trainer *t)
{
	if (!t)
		return;
	jintern_release(&t->seen);
	jarena_release(&t->arena);
	jmem_free(t->word);
	jmem_free(t->text);
	jmem_free(t);
}

/* The table holds as many keys as it was made for: grow it by filling another. */
static void
grow_seen(struct jlm_trainer *t)
{
	struct jintern more = { .n = 0 };
	uint32_t i;

	jintern_reset(&more, (size_t)t->seen.n * 4);
	for (i = 0; i < t->seen.n; i++) {
		jintern_put(&more, lm_word(t->word[i], strlen(t->word[i])));
		more.count[i] = t->seen.count[i];
	}
	jintern_release(&t->seen);
	t->seen = more;
}

static uint32_t
number_word(struct jlm_trainer *t, const char *s, size_t n)
{
	uint32_t before = t->seen.n, id;

	if ((size_t)t->seen.n * 3 / 2 + 1 >= t->seen.mask)
		grow_seen(t);
	id = jintern_put(&t->seen, lm_word(s, n));
	if (id == before) {
		JMEM_GROW(t->word, t->word_cap, (size_t)id + 1);
		t->word[id] = jarena_strndup(&t->arena, s, n);
	}
	return id;
}

void
jlm_train_add(struct jlm_trainer *t, const char *text, size_t n)
{
	struct jtext_span line;
	size_t at = 0;

	while (jtext_next_line(text, n, &at, &line)) {
		struct jtext_word w;
		char low[LM_WORD];
		size_t in = 0, words = 0;

		for (; jtext_next_word(text + line.at, line.n, &in, &w); words++) {
			JMEM_GROW(t->text, t->cap, t->n + 2);
			t->text[t->n++] = number_word(t, low, lm_lower(text + line.at, &w, low));
		}
		if (words > 0)
			t->text[t->n++] = UINT32_MAX;
	}
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
	size_t i, from = 0;
	int rc = 0;

	for (i = 0; i < t->n && rc == 0; i++) {
		if (t->text[i] != UINT32_MAX) {
			t->text[i] = id_of[t->text[i]];
			continue;
		}
		t->text[i] = EOS;
		rc = jngram_train_add(to, t->text + from, i + 1 - from, e);
		from = i + 1;
	}
	return rc;
}

struct arpa_out {
	const struct jngram *m;
	const char **names;
	struct jbuf *b;
	int order;			/* of the section */
	uint32_t path[JNGRAM_MAX_ORDER];
};

static void
put_gram(struct arpa_out *o, uint64_t at)
{
	const struct jngram *m = o->m;
	double p = m->level[o->order].prob[at];
	int i;

	if (o->order == 1 && o->path[0] == m->info.vocab)
		jbuf_adds(o->b, "-99");
	else
		jbuf_printf(o->b, "%.7g", p < 1 ? log10(p) : 0.0);
	for (i = 0; i < o->order; i++)
		jbuf_printf(o->b, "%c%s", i ? ' ' : '\t', o->names[o->path[i]]);
	if (o->order < m->info.order)
		jbuf_printf(o->b, "\t%.7g", log10((double)m->level[o->order].back[at]));
	jbuf_addc(o->b, '\n');
}

static void
walk(struct arpa_out *o, int k, uint64_t at)
{
	const struct ngram_level *up = &o->m->level[k];
	uint64_t i;

	for (i = up->child[at]; i < up->child[at + 1]; i++) {
		o->path[k] = o->m->level[k + 1].word[i];
		if (k + 1 == o->order)
			put_gram(o, i);
		else
			walk(o, k + 1, i);
	}
}

/* Every word of a closed vocabulary is listed; <unk> may never have been seen. */
static void
write_arpa(const struct jngram *m, const char **names, struct jbuf *b)
{
	struct arpa_out o = { .m = m, .names = names, .b = b };
	bool unk = jngram_child(m, 0, 0, UNK) != NGRAM_NONE;
	int n;

	jbuf_adds(b, "\\data\\\n");
	for (n = 1; n <= m->info.order; n++)
		jbuf_printf(b, "ngram %d=%llu\n", n, (unsigned long long)(m->level[n].n +
			(n == 1 && !unk)));
	for (o.order = 1; o.order <= m->info.order; o.order++) {
		jbuf_printf(b, "\n\\%d-grams:\n", o.order);
		if (o.order == 1 && !unk)
			jbuf_printf(b, "%.7g\t<unk>%s\n", log10((double)m->level[0].back[0] /
				m->info.vocab), m->info.order > 1 ? "\t0" : "");
		walk(&o, 0, 0);
	}
	jbuf_adds(b, "\n\\end\\\n");
}

int
jlm_train_finish(struct jlm_trainer *t, struct jbuf *out, struct jerr *e)
{
	uint32_t *id_of = jmem_alloc((size_t)t->seen.n + 1, sizeof(*id_of));
	const char **names = NULL;
	struct jngram_opts o = { .order = t->o.order, .memory = t->o.memory };
	struct jngram_trainer *to = NULL;
	struct jngram *m = NULL;
	int rc;

	o.vocab = make_vocabulary(t, &names, id_of);
	rc = jngram_train_open(&to, &o, e);
	if (rc == 0)
		rc = count_lines(t, to, id_of, e);
	if (rc == 0)
		rc = jngram_train_finish(to, &m, e);
	else
		jngram_train_abort(to);
	if (rc == 0)
		write_arpa(m, names, out);
	jngram_free(m);
	jmem_free(names);
	jmem_free(id_of);
	jlm_train_abort(t);
	return rc;
}
