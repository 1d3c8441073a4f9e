#include <string.h>
#include <unistd.h>

#include "cli/internal.h"
#include "io/jio.h"

/* A handler has no argument of ours: the only variables of the room outside struct jcli. */
static volatile sig_atomic_t stop_signal, catching;

static const int stops[] = { SIGINT, SIGTERM };
static const int deaths[] = { SIGHUP, SIGPIPE };

/*
 * Removes the temporaries and dies of the same signal, so that the caller sees why.  With
 * jcli_catch_stop() the first stop signal only sets the flag and the second does that.
 */
static void
on_signal(int sig)
{
	struct sigaction sa;

	if (catching && !stop_signal && (sig == SIGINT || sig == SIGTERM)) {
		stop_signal = sig;
		return;
	}
	jio_cleanup();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	sigaction(sig, &sa, NULL);
	raise(sig);
}

/* A stop signal that our caller ignores (nohup, background jobs) stays ignored; SIGPIPE never is. */
static void
install(int sig)
{
	struct sigaction sa;

	if (sig != SIGPIPE && sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
		return;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = SA_RESTART | SA_NODEFER;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void
signals_install(void)
{
	size_t i;

	for (i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		install(stops[i]);
	for (i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		install(deaths[i]);
	/* A file that grows past ulimit -f is a failed write, told as one. */
	signal(SIGXFSZ, SIG_IGN);
}

int
signals_stop(void)
{
	return stop_signal;
}

void
jcli_catch_stop(struct jcli *cli)
{
	catching = 1;
}

bool
jcli_stopping(const struct jcli *cli)
{
	return stop_signal != 0;
}
