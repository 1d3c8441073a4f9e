/* start.c - the main job: pipelines/domain.mk for a domain, at once or step by step. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jproc.h"
#include "jupiter.h"

struct job {
	struct jarena *a;
	char *makefile, *domain, *work;
	int jobs;
	bool no_collect;
};

/* make -f domain.mk [MODE] DOMAIN=... WORK=... J=... [TARGET] */
static const char **
make_argv(const struct job *j, const char *mode, const char *target)
{
	const char **v = jarena_alloc(j->a, 16, sizeof(*v));
	int n = 0;

	v[n++] = "make";
	v[n++] = "-s";
	if (mode)
		v[n++] = jarena_strndup(j->a, mode, strlen(mode));
	v[n++] = "-f";
	v[n++] = j->makefile;
	v[n++] = jarena_printf(j->a, "DOMAIN=%s", j->domain);
	v[n++] = jarena_printf(j->a, "WORK=%s", j->work);
	v[n++] = jarena_printf(j->a, "J=%d", j->jobs);
	if (j->no_collect) {
		v[n++] = "-o";
		v[n++] = jarena_printf(j->a, "%s/docs.jsonl", j->work);
	}
	if (target)
		v[n++] = jarena_strndup(j->a, target, strlen(target));
	v[n] = NULL;
	return v;
}

static int
capture(const char *const argv[], struct jbuf *out, int *status, struct jerr *e)
{
	struct jproc_opts o = { .out = out };

	jbuf_reset(out);
	return jproc_run((char *const *)argv, &o, status, e);
}

/* The commands that a step would run, without the makefile's own printing. */
static void
show_plan(const struct jbuf *plan)
{
	const char *s = plan->p, *lf;

	for (; *s; s = *lf ? lf + 1 : lf) {
		lf = strchr(s, '\n');
		if (!lf)
			lf = s + strlen(s);
		if (strncmp(s, "printf", 6) != 0 && strncmp(s, "mkdir", 5) != 0 &&
		    strncmp(s, "touch", 5) != 0 && lf > s)
			printf("    %.*s\n", (int)(lf - s), s);
	}
}

/* y (or an empty line), n = stop here, q = stop here. */
static bool
ask(const char *what)
{
	char line[80];

	printf("  run this step (%s)? [Y/n] ", what);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin)) {
		printf("\n");
		return false;
	}
	return line[0] == '\n' || line[0] == 'y' || line[0] == 'Y';
}

static int
one_step(const struct job *j, char *step, struct jbuf *out, bool *go, struct jerr *e)
{
	char *target = strtok_r(step, "\t", &step), *what = step;
	int status;

	if (!target || !what)
		return 0;
	if (capture(make_argv(j, "-q", target), out, &status, e) < 0)
		return e->code;
	if (status == 0) {
		printf("%s: done already\n", what);
		return 0;
	}
	if (capture(make_argv(j, "-n", target), out, &status, e) < 0)
		return e->code;
	printf("%s: %s\n", what, target);
	show_plan(out);
	*go = ask(what);
	if (!*go)
		return 0;
	return run_program(make_argv(j, NULL, target), e);
}

static int
interactive(const struct job *j, struct jerr *e)
{
	struct jbuf list, out;
	char *line, *next;
	int status, rc;
	bool go = true;

	jbuf_init(&list);
	jbuf_init(&out);
	rc = capture(make_argv(j, NULL, "stages"), &list, &status, e);
	if (rc == 0 && status != 0)
		rc = jerr_set(e, JERR_ARG, "%s: the list of steps could not be read", j->makefile);
	for (line = list.p; rc == 0 && go && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = 0, next + 1) : line + strlen(line);
		rc = one_step(j, line, &out, &go, e);
	}
	if (rc == 0 && go)
		rc = run_program(make_argv(j, NULL, NULL), e);
	else if (rc == 0)
		printf("stopped; the same command goes on from here\n");
	jbuf_release(&list);
	jbuf_release(&out);
	return rc;
}

/* Make would read a blank or a $ in a name as its own language. */
static int
check_name(const char *path, struct jerr *e)
{
	const char *p;

	for (p = path; *p; p++)
		if ((unsigned char)*p < 0x80 && !isalnum((unsigned char)*p) && !strchr("_./+,@-", *p))
			return jerr_set(e, JERR_ARG, "%s: make cannot work with '%c' in a name: rename it",
				path, *p);
	return 0;
}

static int
check_domain_file(const char *path, struct jerr *e)
{
	struct jdomain d;

	if (load_domain(&d, path, e) < 0)
		return e->code;
	jdomain_release(&d);
	return 0;
}

/* One run at a time in a folder; the lock ends with this process. */
static int
lock_work(const struct job *j, int *fd, struct jerr *e)
{
	char *path = jarena_printf(j->a, "%s/opts/lock", j->work);

	if (jfs_mkdirs(jarena_printf(j->a, "%s/opts", j->work), e) < 0)
		return e->code;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0)
		return jerr_sys(e, "cannot open %s", path);
	if (!jfs_lock(*fd))
		return jerr_set(e, JERR_IO, "%s: another jupiter start works in this folder", j->work);
	return 0;
}

int
start_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct start_opts *o = arg;
	const char *name = o->domain ? o->domain : argc == 1 ? argv[0] : NULL;
	struct job j = { .jobs = (int)jcli_common(cli)->jobs, .no_collect = o->no_collect };
	struct jarena a;
	const char *base;
	int rc, lock = -1;

	if (!name || (o->domain && argc > 0))
		return jerr_set(e, JERR_ARG, "give one domain: jupiter start --domain NAME");
	if (o->automatic && o->interactive)
		return jerr_set(e, JERR_ARG, "--auto and --interactive exclude each other");
	jarena_init(&a, 0);
	j.a = &a;
	rc = find_domain(&a, name, o->config, &j.domain, e);
	if (rc == 0)	/* so that a mistake is one line and not make's */
		rc = check_domain_file(j.domain, e);
	if (rc == 0) {
		base = jfs_base(j.domain);
		j.work = o->work ? jarena_strndup(&a, o->work, strlen(o->work)) :
			jarena_printf(&a, "%s/%.*s", work_folder(), (int)(strrchr(base, '.') ?
				strrchr(base, '.') - base : (ptrdiff_t)strlen(base)), base);
		j.makefile = shipped(&a, "pipelines/domain.mk");
		rc = check_name(j.domain, e);
	}
	if (rc == 0)
		rc = check_name(j.work, e);
	if (rc == 0)
		rc = lock_work(&j, &lock, e);
	if (rc == 0) {
		jcli_info(cli, "running: make -f %s DOMAIN=%s WORK=%s J=%d", j.makefile, j.domain,
			j.work, j.jobs);
		if (o->interactive || (!o->automatic && strcmp(o->mode, "interactive") == 0))
			rc = interactive(&j, e);
		else
			rc = run_program(make_argv(&j, NULL, NULL), e);
	}
	if (lock >= 0)
		close(lock);
	jarena_release(&a);
	return rc;
}
