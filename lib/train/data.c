/*
 * data.c - records looked at before they are trained on: jtrain data.
 */
#include <stdlib.h>
#include <string.h>

#include "record/jrec.h"
#include "train/objective/records.h"
#include "train/train_internal.h"

static int
by_length(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

static void
take_lengths(struct jtrain_data_report *r, uint64_t *length, size_t n)
{
	if (n == 0)
		return;
	qsort(length, n, sizeof(*length), by_length);
	r->shortest = length[0];
	r->median = length[n / 2];
	r->p95 = length[n * 95 / 100];
	r->longest = length[n - 1];
}

struct walk {
	const struct jtrain_opts *o;
	struct jtrain_data_report *r;
	jtrain_ids_fn *fn;
	void *arg;
	uint32_t *ids;
	unsigned char *mask;
	size_t cap_ids, cap_mask;
};

static int
one_document(struct walk *w, const struct jshard_set *set, uint64_t d, uint64_t *length,
	struct jerr *e)
{
	uint64_t from = jshard_doc_start(set, d);
	size_t n = (size_t)(jshard_doc_end(set, d) - from), i;

	JMEM_GROW(w->ids, w->cap_ids, n);
	JMEM_GROW(w->mask, w->cap_mask, n);
	if (jshard_get(set, from, n, w->ids, w->mask, e) < 0)
		return e->code;
	*length = n;
	w->r->tokens += n;
	for (i = 1; i < n; i++)		/* nothing stands before the first */
		w->r->targets += w->mask[i];
	if (n > (size_t)w->o->seq + 1)
		w->r->cut_tokens += n - (size_t)w->o->seq - 1;
	return w->fn ? w->fn(w->arg, w->ids, w->mask, n, e) : 0;
}

static int
walk_documents(struct walk *w, const struct jshard_set *set, struct jerr *e)
{
	uint64_t docs = jshard_docs(set), d;
	uint64_t *length = jmem_try((size_t)docs + 1, sizeof(*length));

	if (!length)
		return jerr_set(e, JERR_NOMEM, "no memory for %llu lengths", (unsigned long long)docs);
	for (d = 0; d < docs && e->code == 0; d++)
		one_document(w, set, d, &length[d], e);
	if (e->code == 0)
		take_lengths(w->r, length, (size_t)docs);
	jmem_free(length);
	jmem_free(w->ids);
	jmem_free(w->mask);
	return e->code;
}

/* Counts records on their way to the caller's hook. */
struct counter {
	const struct jtrain_hooks *h;
	struct jtrain_data_report *r;
};

static void
count_record(void *arg, const char *line, size_t n, const char *reason)
{
	struct counter *c = arg;

	if (reason)
		c->r->refused++;
	else
		c->r->kept++;
	if (c->h->record)
		c->h->record(c->h->arg, line, n, reason);
}

int
jtrain_data_check(const struct jtrain_opts *o, const struct jtrain_hooks *h, jtrain_ids_fn *fn,
	void *arg, struct jtrain_data_report *r, struct jerr *e)
{
	struct counter c = { h, r };
	struct jtrain_hooks counting = { .arg = &c, .record = count_record };
	struct jtrain_source src = { .paths = o->data, .n = o->n_data, .o = o, .h = &counting };
	struct walk w = { .o = o, .r = r, .fn = fn, .arg = arg };
	struct jtrain_data d = { 0 };
	struct jpack *pack = NULL;
	struct jtok *tok = NULL;
	const char *path = o->tokenizer ? o->tokenizer : o->model;

	memset(r, 0, sizeof(*r));
	if (!path)
		return jerr_set(e, JERR_ARG, "--tokenizer is missing: a folder or a file");
	if (o->seq < 2)
		return jerr_set(e, JERR_ARG, "--seq: must be at least 2");
	if (jtok_load(&tok, path, e) == 0) {
		src.tok = tok;
		if (jobjective_sft.open(&d, &src, e) == 0 && walk_documents(&w, d.set, e) == 0
		    && jpack_open(&pack, d.set, d.mode, (int)o->seq, 0, e) == 0)
			r->rows = jpack_rows(pack);
	}
	memcpy(r->kinds, d.kinds, sizeof(r->kinds));
	r->eos_targets = d.eos_targets;
	r->truncated = d.truncated;
	jpack_close(pack);
	jtrain_data_release(&d);
	jtok_free(tok);
	return e->code;
}

int
jtrain_data_chat(const char *line, size_t n, struct jbuf *out, struct jerr *e)
{
	/* Members that the messages say already. */
	static const char *const said[] = { "conversations", "instruction", "input", "output", "prompt",
		"answer", "completion", "system" };
	struct jrec_edit edits[sizeof(said) / sizeof(said[0]) + 1];
	struct jarena a;
	struct jbuf messages;
	struct jrec r;
	size_t k = 0, i;
	int kind;

	jarena_init(&a, 0);
	jbuf_init(&messages);
	if (jrec_parse(&r, line, n, &a, e) == 0 && (kind = sft_kind(&r, e)) >= 0) {
		/* Of prompt and completion the first must not be learned: they stay apart. */
		if (sft_is_plain(&r, kind) || kind == JTRAIN_COMPLETION) {
			jbuf_add(out, line, n);
			jbuf_addc(out, '\n');
		} else if (sft_messages(&messages, &r, kind, &a, e) == 0) {
			edits[k++] = (struct jrec_edit){ .key = "messages", .val = messages.p,
				.val_n = messages.n };
			for (i = 0; i < sizeof(said) / sizeof(said[0]); i++)
				if (jrec_find(&r, said[i]))
					edits[k++] = (struct jrec_edit){ .key = said[i] };
			jrec_write_edits(&r, edits, k, out);
		}
	}
	jbuf_release(&messages);
	jarena_release(&a);
	return e->code;
}
