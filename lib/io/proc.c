/*
 * proc.c - run a program and collect what it prints.
 *
 * Between fork() and exec only async-signal-safe calls are made (other threads may hold locks), so
 * the program is looked up in PATH before.  A failure in the child comes back as an errno through
 * a pipe that a successful exec closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jsys.h"
#include "io/jproc.h"

enum end {
	REPORT, OUT, ERR, ENDS
};

struct child {
	const struct jproc_opts *o;
	char path[PATH_MAX];
	int in_fd;
	int pipes[ENDS][2];	/* read end, write end; -1 not used or closed */
	pid_t pid;
	double deadline;	/* 0 none */
};

static int
find_program(const char *name, char path[PATH_MAX], struct jerr *e)
{
	const char *p = getenv("PATH"), *end;
	struct stat st;
	int n;

	if (strchr(name, '/')) {
		if (snprintf(path, PATH_MAX, "%s", name) < PATH_MAX)
			return 0;
		return jerr_set(e, JERR_ARG, "%s: the name is too long", name);
	}
	for (p = p ? p : "/usr/bin:/bin"; ; p = end + 1) {
		end = p + strcspn(p, ":");
		n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - p), p, end > p ? "/" : "./", name);
		if (n < PATH_MAX && access(path, X_OK) == 0 && stat(path, &st) == 0 &&
		    S_ISREG(st.st_mode))
			return 0;
		if (!*end)
			break;
	}
	return jerr_set(e, JERR_IO, "cannot run %s: not found in PATH", name);
}

static void
close_end(struct child *c, enum end k, int side)
{
	if (c->pipes[k][side] >= 0)
		close(c->pipes[k][side]);
	c->pipes[k][side] = -1;
}

static void
close_all(struct child *c)
{
	int k;

	for (k = 0; k < ENDS; k++) {
		close_end(c, k, 0);
		close_end(c, k, 1);
	}
	if (c->in_fd >= 0)
		close(c->in_fd);
	c->in_fd = -1;
}

static int
make_pipe(int fds[2], struct jerr *e)
{
	if (pipe(fds) != 0)
		return jerr_sys(e, "cannot make a pipe");
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

static int
open_ends(struct child *c, struct jerr *e)
{
	const char *in = c->o->in_file ? c->o->in_file : "/dev/null";

	c->in_fd = open(in, O_RDONLY | O_CLOEXEC);
	if (c->in_fd < 0)
		return jerr_sys(e, "cannot open %s", in);
	if (make_pipe(c->pipes[REPORT], e) < 0)
		return JERR_IO;
	if (c->o->out && make_pipe(c->pipes[OUT], e) < 0)
		return JERR_IO;
	if (c->o->err && make_pipe(c->pipes[ERR], e) < 0)
		return JERR_IO;
	return 0;
}

/* dup2() that also works where both are the same and close-on-exec must go. */
static int
become(int fd, int to)
{
	if (fd < 0)
		return 0;
	if (fd == to)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, to);
}

static void
child_main(struct child *c, char *const argv[])
{
	static const int reset[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD,
		SIGXFSZ };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	size_t i;
	int failed;

	for (i = 0; i < sizeof(reset) / sizeof(reset[0]); i++)
		sigaction(reset[i], &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A group of its own, so that a time limit ends grandchildren too. */
	if (c->o->timeout_s > 0)
		setpgid(0, 0);
	if (become(c->in_fd, STDIN_FILENO) >= 0 && become(c->pipes[OUT][1], STDOUT_FILENO) >= 0 &&
	    become(c->pipes[ERR][1], STDERR_FILENO) >= 0 && (!c->o->dir || chdir(c->o->dir) == 0))
		execv(c->path, argv);
	failed = errno;
	while (write(c->pipes[REPORT][1], &failed, sizeof(failed)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* With every signal blocked: a handler of ours must not run in the child before the reset. */
static int
start(struct child *c, char *const argv[], struct jerr *e)
{
	sigset_t all, old;
	int failed = 0;
	ssize_t got;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->pid = fork();
	if (c->pid == 0)
		child_main(c, argv);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (c->pid < 0)
		return jerr_sys(e, "cannot run %s", argv[0]);
	close_end(c, REPORT, 1);
	close_end(c, OUT, 1);
	close_end(c, ERR, 1);
	do
		got = read(c->pipes[REPORT][0], &failed, sizeof(failed));
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(failed))
		return 0;
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = failed;
	return jerr_sys(e, "cannot run %s", argv[0]);
}

/* Reads what is there; closes our end when the child's is closed. */
static void
drain(struct child *c, enum end k, struct jbuf *b)
{
	char chunk[16 * 1024];
	ssize_t got = read(c->pipes[k][0], chunk, sizeof(chunk));

	if (got > 0)
		jbuf_add(b, chunk, (size_t)got);
	else if (got == 0 || errno != EINTR)
		close_end(c, k, 0);
}

/* Milliseconds to the deadline, 0 when it is past, -1 without one. */
static int
left_ms(const struct child *c)
{
	double left;

	if (!(c->deadline > 0))
		return -1;
	left = c->deadline - jsys_now();
	return left <= 0 ? 0 : left > 3600 ? 3600000 : (int)(left * 1000) + 1;
}

/* Until both pipes are closed: 0, or 1 when time ran out. */
static int
collect(struct child *c)
{
	struct pollfd fds[2];
	int ms, n;

	while (c->pipes[OUT][0] >= 0 || c->pipes[ERR][0] >= 0) {
		ms = left_ms(c);
		if (ms == 0)
			return 1;
		fds[0] = (struct pollfd){ c->pipes[OUT][0], POLLIN, 0 };
		fds[1] = (struct pollfd){ c->pipes[ERR][0], POLLIN, 0 };
		n = poll(fds, 2, ms);
		if (n <= 0)
			continue;
		if (fds[0].revents)
			drain(c, OUT, c->o->out);
		if (fds[1].revents)
			drain(c, ERR, c->o->err);
	}
	return 0;
}

/* Until the child has ended: 0, or 1 when time ran out. */
static int
await(struct child *c, int *ws)
{
	struct timespec nap = { 0, 1000000 };
	pid_t got;

	for (;;) {
		got = waitpid(c->pid, ws, c->deadline > 0 ? WNOHANG : 0);
		if (got == c->pid || (got < 0 && errno != EINTR))
			return 0;
		if (got == 0 && left_ms(c) == 0)
			return 1;
		if (got == 0)
			nanosleep(&nap, NULL);
	}
}

int
jproc_run(char *const argv[], const struct jproc_opts *o, int *status, struct jerr *e)
{
	static const struct jproc_opts plain;
	struct child c = { .o = o ? o : &plain, .in_fd = -1,
		.pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 } } };
	int ws = 0, rc, late;

	*status = -1;
	if (!argv[0] || !argv[0][0])
		return jerr_set(e, JERR_ARG, "no program to run");
	rc = find_program(argv[0], c.path, e);
	if (rc == 0)
		rc = open_ends(&c, e);
	if (rc == 0)
		rc = start(&c, argv, e);
	if (rc < 0) {
		close_all(&c);
		return rc;
	}
	if (c.o->timeout_s > 0)
		c.deadline = jsys_now() + c.o->timeout_s;
	late = collect(&c) || await(&c, &ws);
	if (late) {
		kill(-c.pid, SIGKILL);
		kill(c.pid, SIGKILL);
		c.deadline = 0;
		await(&c, &ws);
		rc = jerr_set(e, JERR_LIMIT, "%s: killed after %g s", argv[0], c.o->timeout_s);
	}
	close_all(&c);
	*status = WIFEXITED(ws) ? WEXITSTATUS(ws) : 128 + WTERMSIG(ws);
	return rc;
}
