/* The command line: every option type, verbs, presets, exit codes, the summary, the provenance. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "t.h"

#include "base/jmem.h"
#include "base/jstr.h"
#include "cli/jcli.h"
#include "conf/jval.h"
#include "io/jio.h"

struct seen {
	bool flag, on;
	int64_t n;
	double x;
	uint64_t size, count;
	const char *text, *choice;
	struct jopt_list list, many;
	int calls, argc;
	char argv[8][32], text_seen[32], choice_seen[32], first_seen[32];
	bool was_set;
	int result;
	bool unmet;
	uint64_t rejects;
	const char *from_file;
	struct jcommon common;
};

static char dir[] = "/tmp/jcliXXXXXX";
static struct jbuf err;		/* what the last call wrote to standard error */

static int
prepare(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct seen *s = arg;

	return s->from_file ? jcli_set(cli, "num", s->from_file, "d.yaml:3", e) : 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct seen *s = arg;
	uint64_t i;

	s->calls++;
	s->argc = argc;
	for (i = 0; i < (uint64_t)argc && i < 8; i++)
		snprintf(s->argv[i], sizeof(s->argv[i]), "%s", argv[i]);
	/* What an option points to lives as long as jcli_main(). */
	snprintf(s->text_seen, sizeof(s->text_seen), "%s", s->text ? s->text : "");
	snprintf(s->choice_seen, sizeof(s->choice_seen), "%s", s->choice ? s->choice : "");
	snprintf(s->first_seen, sizeof(s->first_seen), "%s", s->list.n ? s->list.v[0] : "");
	s->was_set = jcli_was_set(cli, "num");
	s->common = *jcli_common(cli);
	jcli_counts(cli)->in = 10;
	jcli_counts(cli)->out = 10 - s->rejects;
	for (i = 0; i < s->rejects; i++)
		jcli_reject(cli, i == 1 ? "lang" : "short");
	if (s->unmet)
		jcli_unmet(cli, "ppl 9 is above 8");
	if (s->result)
		return jerr_set(e, s->result, "f.jsonl:%d: bad\tthing", 7);
	if (strcmp(s->common.output, "-") != 0) {
		if (argc)
			jcli_input(cli, argv[0]);
		jcli_note(cli, "why", "{\"a\":1}");
		return jout_put(s->common.output, "out\n", 4, e);
	}
	return 0;
}

/* Calls the program with the words of line (no quoting) and catches standard error. */
static int
call(struct seen *s, const char *line)
{
	const struct jopt opts[] = {
		{ .type = JOPT_HEAD, .name = "Things" },
		{ "flag", 'f', JOPT_BOOL, &s->flag, .help = "a flag" },
		{ "on", 0, JOPT_BOOL, &s->on, .help = "a flag that is on" },
		{ "num", 'n', JOPT_INT, &s->n, "N", .help = "a number" },
		{ "real", 'x', JOPT_DOUBLE, &s->x, "X", .help = "a real number" },
		{ "size", 0, JOPT_SIZE, &s->size, "SIZE", .help = "a size" },
		{ "count", 'v', JOPT_COUNT, &s->count, "N", .help = "a count" },
		{ "text", 't', JOPT_STR, &s->text, "TEXT", .help = "a text" },
		{ "choice", 0, JOPT_STR, &s->choice, "WHAT", .help = "a choice",
			.choices = "one|two", .alone = "two" },
		{ "list", 'l', JOPT_LIST, &s->list, "X", .help = "a list" },
		{ "many", 'm', JOPT_LIST, &s->many, "X", .help = "a list of words", .many = true },
		{ .type = JOPT_END }
	};
	const struct jverb verbs[] = {
		{ "dedup", "[FILE ...]", "remove duplicates", opts, run, s, prepare },
		{ "swarm list", "", "list experts", opts, run, s, NULL },
		{ "swarm chat", "", "talk", opts, run, s, NULL },
		{ .name = NULL }
	};
	const struct jtool tool = { .name = "jtest", .args = "[options] [FILE ...]",
		.summary = "test", .opts = opts, .run = run, .arg = s, .verbs = verbs,
		.prepare = prepare };
	char copy[400], *argv[40], *p, path[80];
	int argc = 0, keep, fd, rc;
	struct jerr e = { 0 };

	s->on = true;
	s->calls = 0;
	snprintf(copy, sizeof(copy), "jtest %s", line);
	for (p = strtok(copy, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	snprintf(path, sizeof(path), "%s/err", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	keep = dup(2);
	dup2(fd, 2);
	rc = jcli_main(&tool, argc, argv);
	dup2(keep, 2);
	close(keep);
	close(fd);
	jbuf_reset(&err);
	jin_slurp(path, &err, &e);
	return rc;
}

static bool
said(const char *what)
{
	if (strstr(err.p, what))
		return true;
	printf("# standard error: %s\n", err.p);
	return false;
}

static void
test_types(void)
{
	struct seen s = { 0 };

	eq_int(call(&s, "a -f --no-on -n -3 -x1e-3 --size=64M -v 300k --text=a=b --choice -l p "
		"--list=q -m u v - -f w -- -z"), 0);
	eq_int(s.calls, 1);
	ok(s.flag && !s.on && s.was_set);
	eq_int(s.n, -3);
	near(s.x, 1e-3, 0);
	eq_int(s.size, 64 << 20);
	eq_int(s.count, 300000);
	eq_str(s.text_seen, "a=b");
	eq_str(s.choice_seen, "two");
	eq_int(s.list.n, 2);
	eq_int(s.many.n, 3);
	eq_int(s.argc, 3);
	eq_str(s.argv[0], "a");
	eq_str(s.argv[1], "w");
	eq_str(s.argv[2], "-z");
	ok(said("10 in, 10 out"));
	s = (struct seen){ 0 };
	eq_int(call(&s, "-fn4 -qj3"), 0);
	ok(s.flag && s.n == 4 && s.common.jobs == 3);
	eq_str(err.p, "");
	eq_int(s.common.max_line, 16 << 20);
}

static void
test_usage(void)
{
	static const char *const bad[][2] = {
		{ "--numm 3", "unknown option --numm (did you mean --num?)" },
		{ "--no-onn", "did you mean --no-on?" },
		{ "--nu 3", "unknown option --nu (did you mean --num?)" },
		{ "--hepl", "did you mean --help?" },
		{ "--no-num", "unknown option --no-num" },
		{ "-Q", "unknown option -Q" },
		{ "--num", "a value is missing (N)" },
		{ "--num x", "option --num: expected a whole number, found 'x'" },
		{ "--real nan", "expected a number" },
		{ "--size 1X", "expected a size" },
		{ "--choice=three", "expected one of one|two, found 'three'" },
		{ "--flag=1", "option --flag takes no value" },
		{ "-j 0", "option --jobs" },
		{ "--seed x", "option --seed" },
		{ "--max-bad 5%%", "option --max-bad" },
		{ "--progress=sometimes", "option --progress" },
		{ "--preset nosuch", "no preset 'nosuch' for jtest" },
		{ "swarm lits", "unknown verb 'swarm lits' (did you mean 'swarm list'?)" },
	};
	struct seen s = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		eq_int(call(&s, bad[i][0]), 2);
		eq_int(s.calls, 0);
		ok(said(bad[i][1]));
	}
	eq_int(call(&s, "swarm"), 2);
	ok(said("a verb must come first"));
}

static void
test_verbs(void)
{
	struct seen s = { 0 };

	eq_int(call(&s, "dedup a"), 0);
	eq_int(s.argc, 1);
	eq_int(call(&s, "swarm chat x y"), 0);
	eq_int(s.argc, 2);
	/* Not a verb: an operand of the call without one. */
	eq_int(call(&s, "dedupp"), 0);
	eq_str(s.argv[0], "dedupp");
}

static void
test_status(void)
{
	struct seen s = { .rejects = 3 };

	eq_int(call(&s, "--max-bad 2"), 3);
	ok(said("3 of 10 records were refused, more than --max-bad 2"));
	ok(said("3 rejected (short 2, lang 1)"));
	eq_int(call(&s, "--max-bad 30%"), 0);
	eq_int(call(&s, "--max-bad 29.5%"), 3);
	s = (struct seen){ .unmet = true };
	eq_int(call(&s, ""), 4);
	ok(said("jtest: ppl 9 is above 8\n"));
	s = (struct seen){ .result = JERR_FORMAT };
	eq_int(call(&s, ""), 1);
	eq_str(err.p, "jtest: f.jsonl:7: bad?thing\n");
	s.result = JERR_ARG;
	eq_int(call(&s, ""), 2);
}

static void
write_file(const char *name, const char *text, char path[80])
{
	struct jerr e = { 0 };

	snprintf(path, 80, "%s/%s", dir, name);
	ok(jout_put(path, text, strlen(text), &e) == 0);
}

static void
test_preset(void)
{
	struct seen s = { 0 };
	char path[80], line[200];

	write_file("p", "# a preset\nnum = 5 # five\nflag = true\nlist = a\nlist = b\n\n", path);
	snprintf(line, sizeof(line), "--preset %s --list c", path);
	s.from_file = "9";
	eq_int(call(&s, line), 0);
	eq_int(s.n, 5);
	ok(s.flag && s.was_set);
	eq_int(s.list.n, 1);
	eq_str(s.first_seen, "c");
	s = (struct seen){ .from_file = "9" };
	eq_int(call(&s, ""), 0);
	eq_int(s.n, 9);
	eq_int(call(&s, "--num 7"), 0);
	eq_int(s.n, 7);
	s.from_file = "x";
	eq_int(call(&s, ""), 2);
	ok(said("d.yaml:3: option --num: expected a whole number, found 'x'"));
	s = (struct seen){ 0 };
	write_file("p", "num = 5\nnumm = 3\n", path);
	eq_int(call(&s, line), 2);
	ok(said("/p:2: unknown option 'numm' (did you mean 'num'?)"));
}

static void
test_prov(void)
{
	struct seen s = { .rejects = 1 };
	struct jarena a;
	struct jerr e = { 0 };
	struct jval *v;
	char in[80], line[200], path[120];
	const struct jval *x;

	jarena_init(&a, 0);
	write_file("in", "abc", in);
	snprintf(line, sizeof(line), "%s -o %s/out --seed 42", in, dir);
	eq_int(call(&s, line), 0);
	snprintf(path, sizeof(path), "%s/out.prov", dir);
	ok(jval_load_json(&v, path, &a, &e) == 0);
	eq_str(jval_str(v, "tool", ""), "jtest");
	eq_int(jval_int(v, "seed", 0), 42);
	x = jval_get(v, "inputs")->u.a.v[0];
	/* FIPS 180-2's own example. */
	eq_str(jval_str(x, "sha256", ""),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	eq_int(jval_int(jval_get(v, "counts"), "rejected", 0), 1);
	eq_int(jval_int(jval_get(v, "reasons"), "short", 0), 1);
	eq_int(jval_int(jval_path(v, "notes.why"), "a", 0), 1);
	/* The next stage embeds the chain of its input. */
	snprintf(line, sizeof(line), "%s/out -o %s/out2", dir, dir);
	eq_int(call(&s, line), 0);
	snprintf(path, sizeof(path), "%s/out2.prov", dir);
	ok(jval_load_json(&v, path, &a, &e) == 0);
	x = jval_get(v, "inputs")->u.a.v[0];
	eq_int(jval_int(jval_get(x, "prov"), "seed", 0), 42);
	snprintf(line, sizeof(line), "%s/out -o %s/out3 --no-prov", dir, dir);
	eq_int(call(&s, line), 0);
	snprintf(path, sizeof(path), "%s/out3.prov", dir);
	ok(access(path, F_OK) != 0);
	jarena_release(&a);
}

static void
test_log_json(void)
{
	struct seen s = { .rejects = 2 };
	struct jarena a;
	struct jerr e = { 0 };
	struct jval *v;

	jarena_init(&a, 0);
	eq_int(call(&s, "--log-json"), 0);
	ok(jval_parse_json(&v, err.p, err.n, "stderr", &a, &e) == 0);
	eq_str(jval_str(v, "event", ""), "done");
	eq_int(jval_int(v, "out", 0), 8);
	jarena_release(&a);
}

int
main(void)
{
	char command[40];

	ok(mkdtemp(dir) != NULL);
	jbuf_init(&err);
	test_types();
	test_usage();
	test_verbs();
	test_status();
	test_preset();
	test_prov();
	test_log_json();
	jbuf_release(&err);
	/* The folder holds regular files only. */
	snprintf(command, sizeof(command), "%s", dir);
	for (const char *const *f = (const char *const[]){ "err", "p", "in", "out", "out.prov", "out2",
		"out2.prov", "out3", NULL }; *f; f++) {
		char path[120];

		snprintf(path, sizeof(path), "%s/%s", dir, *f);
		unlink(path);
	}
	ok(rmdir(dir) == 0);
	return t_done();
}
