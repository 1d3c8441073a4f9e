#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "base/jutf8.h"
#include "cli/internal.h"

/* One write, so that lines of several processes do not mix; a broken standard error is no error. */
void
log_raw(const struct jbuf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->n) {
		n = write(STDERR_FILENO, b->p + done, b->n - done);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0)
			done += (size_t)n;
	}
}

/* Foreign text must not drive the terminal: control characters (C1 too) and bad bytes become '?'. */
static void
add_clean(struct jbuf *b, const char *s)
{
	size_t n = strlen(s);
	uint32_t cp;
	int len;

	while (n > 0) {
		len = jutf8_decode(s, n, &cp);
		if (len < 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			jbuf_addc(b, '?');
		else
			jbuf_add(b, s, (size_t)len);
		len = len < 0 ? -len : len;
		s += len;
		n -= (size_t)len;
	}
}

void
log_event_begin(const struct jcli *cli, struct jbuf *b, const char *event)
{
	char now[24];

	jsys_time(now);
	jbuf_printf(b, "{\"time\":\"%s\",\"tool\":\"%s\",\"event\":\"%s\"", now, cli->tool->name,
		event);
}

/* kind: "info", "warning", "debug" or "error"; only warnings are named in the line. */
void
log_line(struct jcli *cli, const char *kind, const char *msg)
{
	struct jbuf b;

	jbuf_init(&b);
	if (cli->common.log_json) {
		log_event_begin(cli, &b, kind);
		jbuf_adds(&b, ",\"message\":");
		jjson_str(&b, msg, strlen(msg));
		jbuf_adds(&b, "}\n");
	} else {
		jbuf_printf(&b, "%s: %s", cli->tool->name,
			strcmp(kind, "warning") == 0 ? "warning: " : "");
		add_clean(&b, msg);
		jbuf_addc(&b, '\n');
	}
	pthread_mutex_lock(&cli->lock);
	progress_clear(cli);
	log_raw(&b);
	pthread_mutex_unlock(&cli->lock);
	jbuf_release(&b);
}

static void
log_args(struct jcli *cli, const char *kind, const char *fmt, va_list ap)
{
	struct jbuf b;

	jbuf_init(&b);
	jbuf_vprintf(&b, fmt, ap);
	log_line(cli, kind, b.p);
	jbuf_release(&b);
}

void
jcli_info(struct jcli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->common.verbosity < 0)
		return;
	va_start(ap, fmt);
	log_args(cli, "info", fmt, ap);
	va_end(ap);
}

void
jcli_warn(struct jcli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_args(cli, "warning", fmt, ap);
	va_end(ap);
}

void
jcli_debug(struct jcli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->common.verbosity < 1)
		return;
	va_start(ap, fmt);
	log_args(cli, "debug", fmt, ap);
	va_end(ap);
}
