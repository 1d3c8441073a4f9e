/*
 * Child processes.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/jsys.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "io/jproc.h"
#include "t.h"
#include "t_tmp.h"

static struct jbuf out, err;
static struct jerr e;
static int status;

static int
sh(const char *script, struct jproc_opts o)
{
	const char *argv[] = { "sh", "-c", script, NULL };

	jbuf_reset(&out);
	jbuf_reset(&err);
	jerr_clear(&e);
	o.out = &out;
	o.err = &err;
	return jproc_run((char *const *)argv, &o, &status, &e);
}

int
main(void)
{
	const char *dir = t_tmpdir();
	char absent[] = "no-such-program-here", here[] = "./x";
	char *argv[] = { absent, NULL }, *in_dir[] = { here, NULL };
	double t;

	jbuf_init_max(&out, 200000);
	jbuf_init(&err);
	eq_int(sh("echo out; echo err >&2; exit 3", (struct jproc_opts){ 0 }), 0);
	eq_int(status, 3);
	eq_str(out.p, "out\n");
	eq_str(err.p, "err\n");
	/* both streams full at once: no deadlock, and the bound holds */
	eq_int(sh("i=0; while [ $i -lt 3000 ]; do printf '%0100d' $i; printf '%0100d' $i >&2; i=$((i+1)); done",
		(struct jproc_opts){ 0 }), 0);
	ok(status == 0 && out.n <= 200000 && out.over && err.n == 300000);
	eq_int(sh("cat; pwd", (struct jproc_opts){ .dir = dir }), 0);
	ok(strstr(out.p, jfs_base(dir)) != NULL);
	jout_put(t_path(dir, "in"), "given\n", 6, &e);
	sh("cat", (struct jproc_opts){ .in_file = t_path(dir, "in") });
	eq_str(out.p, "given\n");
	sh("kill -9 $$", (struct jproc_opts){ 0 });
	eq_int(status, 128 + 9);
	/* a time limit, also for a grandchild that keeps the pipe open */
	t = jsys_now();
	eq_int(sh("sleep 20 & sleep 20", (struct jproc_opts){ .timeout_s = 0.2 }), JERR_LIMIT);
	eq_int(status, 128 + 9);
	ok(jsys_now() - t < 5);
	eq_int(sh("exec >&- 2>&-; sleep 20", (struct jproc_opts){ .timeout_s = 0.2 }), JERR_LIMIT);
	ok(jsys_now() - t < 10);
	eq_int(sh("echo quick", (struct jproc_opts){ .timeout_s = 10 }), 0);
	eq_str(out.p, "quick\n");
	/* what we ignore the child does not */
	signal(SIGPIPE, SIG_IGN);
	sh("kill -13 $$; echo alive", (struct jproc_opts){ 0 });
	eq_int(status, 128 + 13);
	jerr_clear(&e);
	eq_int(jproc_run(argv, NULL, &status, &e), JERR_IO);
	ok(strstr(e.msg, "no-such-program-here: not found") != NULL);
	jerr_clear(&e);
	jout_put(t_path(dir, "x"), "no program\n", 11, &e);
	eq_int(jproc_run(in_dir, &(struct jproc_opts){ .dir = dir }, &status, &e), JERR_IO);
	ok(strstr(e.msg, "Permission denied") != NULL);
	eq_int(sh("true", (struct jproc_opts){ .dir = "/absent" }), JERR_IO);
	eq_int(sh("true", (struct jproc_opts){ .in_file = "/absent" }), JERR_IO);
	jfs_remove_tree(dir, NULL);
	jbuf_release(&out);
	jbuf_release(&err);
	return t_done();
}
