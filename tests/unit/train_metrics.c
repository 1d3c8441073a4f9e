/* The metrics log: what is written, and how it is cut back to a checkpoint. */
#include "t.h"

#include "io/jfs.h"
#include "io/jio.h"
#include "t_tmp.h"
#include "train/train_internal.h"

static const char *
slurp(const char *path)
{
	static struct jbuf b;
	struct jerr e = { 0 };

	if (!b.p)
		jbuf_init(&b);
	jbuf_reset(&b);
	jin_slurp(path, &b, &e);
	return b.p;
}

static int
lines(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

int
main(void)
{
	const char *dir = t_tmpdir(), *path = t_path(dir, "log.jsonl");
	struct metrics_line l = { .loss = 2.5, .lr = 1e-3, .grad_norm = 1, .tokens_per_s = 10,
		.peak_share = NAN, .bpb = NAN, .valid_loss = NAN, .valid_bpb = NAN };
	struct metrics *m;
	struct jerr e = { 0 };
	struct jout *o;

	ok(metrics_open(&m, path, 0, &e) == 0);
	for (l.step = 1; l.step <= 5; l.step++) {
		l.tokens = (uint64_t)l.step * 100;
		ok(metrics_put(m, &l, &e) == 0);
	}
	ok(metrics_close(m, &e) == 0);
	eq_int(lines(slurp(path)), 5);
	ok(strstr(slurp(path), "{\"step\":1,\"loss\":2.5,\"lr\":0.001,\"grad_norm\":1,\"tokens\":100,")
		== slurp(path));
	ok(strstr(slurp(path), "valid_loss") == NULL);

	/* A kill left half a line behind. */
	ok(jout_open(&o, t_path(dir, "two.jsonl"), &e) == 0);
	ok(jout_write(o, slurp(path), strlen(slurp(path)) - 7, &e) == 0 && jout_commit(o, &e) == 0);
	path = t_path(dir, "two.jsonl");
	ok(metrics_open(&m, path, 5, &e) == 0 && metrics_close(m, &e) == 0);
	eq_int(lines(slurp(path)), 4);
	ok(metrics_open(&m, path, 2, &e) == 0);
	l.step = 3;
	l.valid_loss = 3;
	ok(metrics_put(m, &l, &e) == 0 && metrics_close(m, &e) == 0);
	eq_int(lines(slurp(path)), 3);
	ok(strstr(slurp(path), "\"valid_loss\":3") != NULL);

	if (jfs_exists("/dev/full")) {
		ok(metrics_open(&m, "/dev/full", 0, &e) == 0);
		ok(metrics_put(m, &l, &e) == JERR_IO);
		jerr_clear(&e);
		metrics_close(m, &e);
	}
	ok(metrics_open(&m, t_path(dir, "no/such/folder"), 0, &e) == JERR_IO);
	jerr_clear(&e);
	jfs_remove_tree(dir, &e);
	return t_done();
}
