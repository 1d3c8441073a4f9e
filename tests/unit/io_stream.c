/*
 * Plain input and output streams: lines, caps, offsets, whole-file output, errors of the system.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "t.h"
#include "t_tmp.h"

static const char *dir;

static int
count_names(void)
{
	struct jerr e = { 0 };
	struct jarena a;
	char **names;
	size_t n = 0;

	jarena_init(&a, 0);
	jfs_list(dir, &a, &names, &n, &e);
	jarena_release(&a);
	return (int)n;
}

static void
lines_of(const char *text, size_t n, const char *joined)
{
	struct jerr e = { 0 };
	struct jbuf got;
	struct jin *in;
	char *line;
	size_t len;
	int rc;

	jbuf_init(&got);
	jin_open_mem(&in, text, n, "mem", &e);
	while ((rc = jin_line(in, &line, &len, &e)) > 0) {
		if (rc == 2)
			jbuf_printf(&got, "<%zu>", len);
		else
			jbuf_printf(&got, "[%s]", line);
	}
	eq_int(rc, 0);
	eq_str(got.p, joined);
	eq_int(jin_offset(in), n);
	jin_close(in);
	jbuf_release(&got);
}

static void
lines(void)
{
	struct jerr e = { 0 };
	struct jin *in;
	char *line;
	size_t n;

	lines_of("", 0, "");
	lines_of("a\nbb\n\nccc", 9, "[a][bb][][ccc]");
	lines_of("\n\n", 2, "[][]");
	lines_of("a\r\n", 3, "[a\r]");
	jin_open_mem(&in, "ab\ncdefgh\nij\nklmnopq", 20, "mem", &e);
	jin_set_max_line(in, 3);
	eq_int(jin_line(in, &line, &n, &e), 1);
	eq_int(jin_lineno(in), 1);
	eq_int(jin_line(in, &line, &n, &e), 2);
	ok(line == NULL && n == 6 && jin_lineno(in) == 2);
	eq_int(jin_line(in, &line, &n, &e), 1);
	eq_str(line, "ij");
	eq_int(jin_offset(in), 13);
	eq_int(jin_line(in, &line, &n, &e), 2);
	eq_int(n, 7);
	eq_int(jin_line(in, &line, &n, &e), 0);
	jin_close(in);
}

/* Random line lengths around the size of the buffer, against the text they were made from. */
static void
long_lines(void)
{
	struct jerr e = { 0 };
	struct jrand r;
	struct jbuf text;
	struct jin *in;
	const char *at, *nl;
	char *line;
	size_t n, i, len;
	int wrong = 0, count = 0, rc, step;

	jrand_init(&r, 1, 1);
	jbuf_init(&text);
	for (i = 0; i < 60; i++) {
		len = jrand_below(&r, i % 10 == 0 ? 700000 : 5000);
		jbuf_reserve(&text, len + 1);
		while (len--)
			jbuf_addc(&text, 'a' + (int)(len % 26));
		jbuf_addc(&text, '\n');
	}
	eq_int(jout_put(t_path(dir, "long"), text.p, text.n, &e), 0);
	for (step = 0; step < 2; step++) {
		if (step)
			jin_open_mem(&in, text.p, text.n, "mem", &e);
		else
			jin_open(&in, t_path(dir, "long"), &e);
		at = text.p;
		while ((rc = jin_line(in, &line, &n, &e)) > 0) {
			nl = strchr(at, '\n');
			wrong += rc != 1 || n != (size_t)(nl - at) || memcmp(line, at, n) != 0;
			at = nl + 1;
			count++;
			wrong += jin_offset(in) != (uint64_t)(at - text.p);
		}
		eq_int(rc, 0);
		jin_close(in);
	}
	eq_int(count, 120);
	eq_int(wrong, 0);
	/* the cap holds where a line is larger than any buffer so far */
	jin_open(&in, t_path(dir, "long"), &e);
	jin_set_max_line(in, 4000);
	for (count = wrong = 0; (rc = jin_line(in, &line, &n, &e)) > 0; count++)
		wrong += rc == 2 ? n <= 4000 : n > 4000;
	ok(count == 60 && wrong == 0 && jin_offset(in) == text.n);
	jin_close(in);
	jbuf_release(&text);
	unlink(t_path(dir, "long"));
}

static void
reading(void)
{
	struct jerr e = { 0 };
	struct jin *in;
	struct jbuf b;
	char buf[8], *line;
	size_t n;

	ok(jin_open(&in, t_path(dir, "absent"), &e) == JERR_IO && !in);
	ok(strstr(e.msg, "absent") && strstr(e.msg, "No such file"));
	jerr_clear(&e);
	eq_int(jin_open(&in, dir, &e), JERR_IO);
	ok(strstr(e.msg, "Is a directory") != NULL);
	jerr_clear(&e);
	jin_open_mem(&in, "line\n12345678x", 14, "mem", &e);
	eq_int(jin_line(in, &line, &n, &e), 1);
	eq_int(jin_exact(in, buf, 8, &e), 0);
	ok(memcmp(buf, "12345678", 8) == 0);
	eq_int(jin_exact(in, buf, 3, &e), JERR_FORMAT);
	ok(strstr(e.msg, "2 bytes short") && strstr(e.msg, "offset 13"));
	jin_close(in);
	jin_close(NULL);
	jerr_clear(&e);
	jout_put(t_path(dir, "f"), "0123456789", 10, &e);
	jbuf_init_max(&b, 10);
	eq_int(jin_slurp(t_path(dir, "f"), &b, &e), 0);
	eq_str(b.p, "0123456789");
	jbuf_release(&b);
	jbuf_init_max(&b, 9);
	eq_int(jin_slurp(t_path(dir, "f"), &b, &e), JERR_LIMIT);
	jbuf_release(&b);
	unlink(t_path(dir, "f"));
}

static void
whole_files(void)
{
	struct jerr e = { 0 };
	struct jout *o;
	struct jbuf b;
	struct stat st;
	const char *f = t_path(dir, "out");

	jbuf_init(&b);
	eq_int(jout_open(&o, f, &e), 0);
	jout_write(o, "head....", 8, &e);
	jout_printf(o, &e, "%d lines\n", 3);
	eq_int(jout_offset(o), 16);
	ok(!jfs_exists(f));
	eq_int(jout_flush(o, &e), 0);
	ok(!jfs_exists(f));
	jout_write(o, "more", 4, &e);
	eq_int(jout_patch(o, 4, "1234", 4, &e), 0);
	eq_int(jout_patch(o, 18, "RE", 2, &e), 0);
	eq_int(jout_commit(o, &e), 0);
	jin_slurp(f, &b, &e);
	eq_str(b.p, "head12343 lines\nmoRE");
	eq_int(count_names(), 1);
	/* abort leaves the old file and nothing else */
	chmod(f, 0640);
	jout_open(&o, f, &e);
	jout_write(o, "new", 3, &e);
	jout_flush(o, &e);
	eq_int(count_names(), 2);
	jout_abort(o);
	eq_int(count_names(), 1);
	eq_int(jfs_size(f), 20);
	/* the handler's clean-up removes what is unfinished */
	jout_open(&o, f, &e);
	jio_cleanup();
	eq_int(count_names(), 1);
	jout_abort(o);
	/* a link is followed and the mode kept */
	eq_int(symlink("out", t_path(dir, "link")), 0);
	eq_int(jout_put(t_path(dir, "link"), "via link", 8, &e), 0);
	ok(lstat(t_path(dir, "link"), &st) == 0 && S_ISLNK(st.st_mode));
	ok(stat(f, &st) == 0 && st.st_size == 8 && (st.st_mode & 0777) == 0640);
	unlink(t_path(dir, "link"));
	unlink(f);
	jbuf_release(&b);
}

static void
refusals(void)
{
	struct jerr e = { 0 };
	struct jout *o;
	static char big[600000];
	int rc;

	eq_int(jout_open(&o, dir, &e), JERR_IO);
	ok(!o && strstr(e.msg, "Is a directory"));
	jerr_clear(&e);
	eq_int(jout_open(&o, t_path(dir, "no/such/folder"), &e), JERR_IO);
	jerr_clear(&e);
	if (access("/dev/full", W_OK) != 0) {
		t_skip("no /dev/full");
		return;
	}
	eq_int(jout_open(&o, "/dev/full", &e), 0);
	rc = jout_write(o, "x", 1, &e);
	eq_int(rc, 0);
	eq_int(jout_commit(o, &e), JERR_IO);
	eq_str(e.msg, "cannot write /dev/full: No space left on device");
	jerr_clear(&e);
	jout_open(&o, "/dev/full", &e);
	eq_int(jout_write(o, big, sizeof(big), &e), JERR_IO);
	jerr_clear(&e);
	eq_int(jout_write(o, "x", 1, &e), JERR_IO);
	jerr_clear(&e);
	ok(jout_patch(o, 0, "", 0, &e) == JERR_UNSUPPORTED);
	jerr_clear(&e);
	eq_int(jout_commit(o, &e), JERR_IO);
	ok(strstr(e.msg, "No space left") != NULL);
}

/* Through a pipe in both directions, as "-" in a filter. */
static void
standard_streams(void)
{
	struct jerr e = { 0 };
	struct jout *o;
	struct jin *in;
	char *line;
	size_t n;
	int fds[2], in0 = dup(0), out1;

	fflush(stdout);
	out1 = dup(1);
	if (pipe(fds) != 0)
		return;
	dup2(fds[1], 1);
	close(fds[1]);
	dup2(fds[0], 0);
	close(fds[0]);
	jout_open(&o, "-", &e);
	jout_write(o, "one\ntwo", 7, &e);
	jout_commit(o, &e);
	dup2(out1, 1);
	close(out1);
	eq_int(e.code, 0);
	jin_open(&in, "-", &e);
	ok(jin_line(in, &line, &n, &e) == 1 && strcmp(line, "one") == 0);
	ok(jin_line(in, &line, &n, &e) == 1 && strcmp(line, "two") == 0);
	eq_int(jin_line(in, &line, &n, &e), 0);
	eq_str(jin_name(in), "standard input");
	jin_close(in);
	ok(fcntl(0, F_GETFD) != -1);
	dup2(in0, 0);
	close(in0);
}

/* A child that opens a product, says so, and waits to be killed. */
static pid_t
start_writer(const char *name)
{
	struct jerr e = { 0 };
	struct jout *o;
	int fd[2];
	char c;
	pid_t pid;

	if (pipe(fd) != 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		if (jout_open(&o, name, &e) == 0 && write(fd[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fd[1]);
	ok(read(fd[0], &c, 1) == 1);
	close(fd[0]);
	return pid;
}

static void
killed_writers(void)
{
	char *name = jmem_strdup(t_path(dir, "killed"));
	int before = count_names();
	pid_t pid = start_writer(name);

	if (pid < 0)
		return;
	eq_int(count_names(), before + 1);
	jout_clean(name);
	eq_int(count_names(), before + 1);	/* it lives */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	jout_clean(t_path(dir, "other"));
	eq_int(count_names(), before + 1);
	jout_clean(name);
	eq_int(count_names(), before);
	jmem_free(name);
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	lines();
	long_lines();
	reading();
	whole_files();
	refusals();
	standard_streams();
	killed_writers();
	eq_int(jfs_remove_tree(dir, &e), 0);
	return t_done();
}
