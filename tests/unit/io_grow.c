/*
 * Outputs that grow and are taken up again: checkpoints, lines that a kill cut, parts that are too
 * short, names given in part.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jgrow.h"
#include "io/jio.h"
#include "t.h"
#include "t_tmp.h"

static const char *dir;

struct state {
	uint64_t a, b;
	int taken, end;
};

static void
take(void *arg, struct jgrow *g, char *line, size_t n)
{
	struct state *s = arg;
	unsigned long long a, b;
	uint64_t size[2];
	int end;

	ok(strlen(line) == n);
	if (sscanf(line, "%llu %llu %d", &a, &b, &end) != 3)
		return;
	size[0] = a;
	size[1] = b;
	if (!jgrow_fit(g, size, end))
		return;
	*s = (struct state){ a, b, s->taken + 1, end };
}

static struct jgrow *
open_head(struct state *s, const char *head)
{
	const char *names[2];
	struct jgrow_opts o = { .names = names, .n = 2, .tool = "test", .head = head, .take = take, .arg = s };
	struct jerr e = { 0 };
	struct jgrow *g = NULL;

	names[0] = t_path(dir, "first");
	names[1] = t_path(dir, "second");
	*s = (struct state){ 0 };
	eq_int(jgrow_open(&g, &o, &e), 0);
	return g;
}

static void
put(struct jgrow *g, const char *a, const char *b, const char *mark)
{
	struct jerr e = { 0 };

	eq_int(jgrow_write(g, 0, a, strlen(a), &e), 0);
	eq_int(jgrow_write(g, 1, b, strlen(b), &e), 0);
	if (mark)
		eq_int(jgrow_mark(g, mark, strlen(mark), &e), 0);
}

static void
holds(const char *name, const char *want)
{
	struct jerr e = { 0 };
	struct jbuf b;

	jbuf_init(&b);
	eq_int(jin_slurp(t_path(dir, name), &b, &e), 0);
	eq_str(b.n ? b.p : "", want);
	jbuf_release(&b);
}

static bool
there(const char *name)
{
	return jfs_exists(t_path(dir, name));
}

static void
append(const char *name, const char *s)
{
	FILE *f = fopen(t_path(dir, name), "a");

	fputs(s, f);
	fclose(f);
}

static void
goes_on(void)
{
	struct jerr e = { 0 };
	struct state s;
	struct jgrow *g = open_head(&s, "head 1");
	char back[4] = "";

	ok(s.taken == 0 && jgrow_size(g, 0) == 0);
	put(g, "one ", "1", "4 1 0");
	put(g, "lost", "lost", NULL);
	jgrow_abort(g);
	append("first.journal", "9999 1 0\n4 1");	/* more than there is; cut by a kill */
	g = open_head(&s, "head 1");
	ok(s.taken == 1 && s.a == 4 && s.b == 1 && jgrow_size(g, 0) == 4 && jgrow_size(g, 1) == 1);
	put(g, "two ", "", "8 1 0");
	eq_int(jgrow_read(g, 0, 4, back, 3, &e), 0);
	eq_str(back, "two");
	eq_int(jgrow_read(g, 0, 6, back, 3, &e), JERR_IO);
	jerr_clear(&e);
	put(g, "three", "2", "13 2 1");
	eq_int(jgrow_commit(g, &e), 0);
	holds("first", "one two three");
	holds("second", "12");
	ok(!there("first.part") && !there("second.part") && !there("first.journal"));
}

/* Killed when the second has its name already. */
static void
half_named(void)
{
	struct jerr e = { 0 };
	struct state s;
	struct jgrow *g = open_head(&s, "head 2");

	put(g, "abc", "de", "3 2 1");
	jgrow_abort(g);
	eq_int(rename(t_path(dir, "second.part"), t_path(dir, "second")), 0);
	g = open_head(&s, "head 2");
	ok(s.end && jgrow_published(g, 1) && !jgrow_published(g, 0));
	eq_int(jgrow_commit(g, &e), 0);
	holds("first", "abc");
	holds("second", "de");
}

static void
begins_anew(void)
{
	struct jerr e = { 0 };
	struct state s;
	struct jgrow *g = open_head(&s, "head 3");

	put(g, "abc", "de", "3 2 0");
	jgrow_abort(g);
	ok(there("first.part") && there("first.journal"));
	g = open_head(&s, "another");
	ok(s.taken == 0 && jgrow_size(g, 0) == 0);
	jgrow_abort(g);			/* nothing to go on with */
	ok(!there("first.part") && !there("first.journal") && !there("second.part"));
	g = open_head(&s, "head 4");
	put(g, "abc", "de", "3 2 0");
	jgrow_abort(g);
	eq_int(truncate(t_path(dir, "second.part"), 1), 0);
	g = open_head(&s, "head 4");
	ok(s.taken == 0);
	put(g, "x", "y", "1 1 0");
	eq_int(jgrow_commit(g, &e), 0);
	holds("first", "x");
	g = open_head(&s, "head 5");
	put(g, "x", "y", "1 1 0");
	jgrow_remove(g);
	ok(there("first") && !there("first.part") && !there("first.journal"));
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	goes_on();
	half_named();
	begins_anew();
	eq_int(jfs_remove_tree(dir, &e), 0);
	return t_done();
}
