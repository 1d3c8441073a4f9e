/* Objectives: which tokens carry loss, what is refused, what a data set is. */
#include "t.h"

#include "io/jfs.h"
#include "io/jio.h"
#include "t_tmp.h"
#include "train/jobjective.h"

static const char *dir;
static struct jtok *tok;

struct seen {
	int kept, refused;
	char why[200];
};

static void
on_record(void *arg, const char *line, size_t n, const char *reason)
{
	struct seen *s = arg;

	(void)line;
	(void)n;
	if (!reason) {
		s->kept++;
		return;
	}
	s->refused++;
	snprintf(s->why, sizeof(s->why), "%s", reason);
}

static int
open_as(const char *objective, const char *lines, struct jtrain_data *d, struct seen *s,
	struct jerr *e)
{
	struct jtrain_opts o = JTRAIN_OPTS_INIT;
	struct jtrain_hooks h = { .arg = s, .record = on_record };
	const char *path = t_path(dir, "in.jsonl");
	struct jtrain_source src = { .paths = &path, .n = 1, .tok = tok, .o = &o, .h = &h };

	memset(d, 0, sizeof(*d));
	memset(s, 0, sizeof(*s));
	if (jout_put(path, lines, strlen(lines), e) < 0)
		return e->code;
	return jobjective_find(objective, e)->open(d, &src, e);
}

/* The tokens with loss of document 0, decoded, the others as dots. */
static const char *
masked(const struct jtrain_data *d)
{
	static char out[512];
	uint32_t ids[400];
	unsigned char mask[400];
	uint64_t from = jshard_doc_start(d->set, 0), n = jshard_doc_start(d->set, 1) - from, i;
	struct jerr e = { 0 };
	size_t at = 0, len;

	if (n > 400 || jshard_get(d->set, from, (size_t)n, ids, mask, &e) < 0)
		return "(cannot read)";
	for (i = 0; i < n && at < sizeof(out) - 40; i++) {
		const char *p = jtok_bytes(tok, ids[i], &len);

		if (mask[i] && p)
			memcpy(out + at, p, len);
		else
			memset(out + at, '.', len = 1);
		at += len;
	}
	out[at] = 0;
	return out + strspn(out, ".");
}

static void
sft_masks(void)
{
	struct jtrain_data d;
	struct jerr e = { 0 };
	struct seen s;

	ok(open_as("sft", "{\"prompt\":\"2+2?\",\"answer\":\"four\"}\n", &d, &s, &e) == 0);
	if (e.code)
		printf("# %s\n", e.msg);
	eq_str(masked(&d), "four<|im_end|>.");
	eq_int(d.target_tokens, 5);
	eq_int(d.eos_targets, 1);
	eq_int(d.mode, JPACK_BEST_FIT);
	jtrain_data_release(&d);

	/* Every turn of the assistant, none of the user's, even where the words are the same. */
	ok(open_as("sft", "{\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
		"{\"role\":\"user\",\"content\":\"yes\"},{\"role\":\"assistant\",\"content\":\"yes\"},"
		"{\"role\":\"user\",\"content\":\"no\"},{\"role\":\"assistant\",\"content\":\"no\"}]}\n",
		&d, &s, &e) == 0);
	ok(strstr(masked(&d), "yes<|im_end|>.") == masked(&d));
	ok(jstr_ends(masked(&d), ".no<|im_end|>."));
	eq_int(d.target_tokens, 7);
	eq_int(d.eos_targets, 2);
	jtrain_data_release(&d);

	/* One character, two bytes, two tokens. */
	ok(open_as("sft", "{\"prompt\":\"a\",\"answer\":\"\\u00fc\"}\n", &d, &s, &e) == 0);
	eq_int(d.target_tokens, 3);
	jtrain_data_release(&d);
}

static void
sft_refusals(void)
{
	struct jtrain_data d;
	struct jerr e = { 0 };
	struct seen s;

	ok(open_as("sft", "{\"prompt\":\"p\",\"answer\":\"a\"}\n{\"note\":\"no pair\"}\nnot json\n"
		"{\"messages\":[]}\n{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n",
		&d, &s, &e) == 0);
	eq_int(s.kept, 1);
	eq_int(s.refused, 4);
	eq_str(s.why, "no message of the assistant");
	eq_int(jshard_docs(d.set), 1);
	jtrain_data_release(&d);
	ok(open_as("sft", "{\"note\":\"x\"}\n", &d, &s, &e) == JERR_FORMAT);
	ok(strstr(e.msg, "no usable record (1 refused") != NULL);
	jtrain_data_release(&d);
}

static void
pretrain_records(void)
{
	struct jtrain_data d;
	struct jerr e = { 0 };
	struct seen s;
	uint32_t ids[6];

	ok(open_as("pretrain", "{\"text\":\"abc\"}\n{\"text\":\"d\"}\n{\"title\":\"x\"}\n", &d, &s, &e)
		== 0);
	eq_int(s.kept, 2);
	eq_int(s.refused, 1);
	eq_int(jshard_info(d.set)->tokens, 6);
	eq_int(jshard_info(d.set)->text_bytes, 4);
	ok(jshard_get(d.set, 0, 6, ids, NULL, &e) == 0);
	eq_int(ids[3], jtok_eos(tok));
	eq_int(ids[5], jtok_eos(tok));
	eq_int(d.mode, JPACK_STREAM);
	jtrain_data_release(&d);
}

static void
units(void)
{
	eq_int(jtrain_unit_rows(2048, 32, 256), 8);
	eq_int(jtrain_unit_rows(2048, 12, 256), 6);
	eq_int(jtrain_unit_rows(2048, 7, 256), 7);
	eq_int(jtrain_unit_rows(2048, 11, 256), 1);
	eq_int(jtrain_unit_rows(2048, 4, 4096), 1);
	eq_int(jtrain_unit_rows(2048, 1, 2), 1);
	eq_int(jtrain_unit_rows(2048, 4096, 2), 1024);
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	if (!ok(jtok_load(&tok, "tests/ref/bytetok", &e) == 0)) {
		printf("# %s\n", e.msg);
		return t_done();
	}
	units();
	sft_masks();
	sft_refusals();
	pretrain_records();
	jtok_free(tok);
	jfs_remove_tree(dir, &e);
	return t_done();
}
