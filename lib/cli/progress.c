#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "cli/internal.h"

#define REDRAW_S 0.2
#define EVENT_S 1.0

int
progress_init(struct jcli *cli, struct jerr *e)
{
	struct progress *p = &cli->progress;
	const char *mode = cli->progress_mode;
	bool automatic = strcmp(mode, "auto") == 0;

	p->tty = automatic && !cli->common.log_json && isatty(STDERR_FILENO);
	p->every = p->tty ? REDRAW_S : EVENT_S;
	p->on = p->tty || cli->common.log_json;
	if (strcmp(mode, "never") == 0) {
		p->on = false;
	} else if (!automatic) {
		if (jstr_to_double(mode, &p->every) < 0 || !(p->every > 0))
			return jerr_set(e, JERR_ARG, "option --progress: expected auto, never or "
				"seconds, found '%s'", mode);
		p->on = true;
	}
	if (cli->common.verbosity < 0)
		p->on = false;
	return 0;
}

void
progress_clear(struct jcli *cli)
{
	static const char erase[] = "\r\033[K";

	if (cli->progress.shown && write(STDERR_FILENO, erase, sizeof(erase) - 1) < 0)
		cli->progress.on = false;
	cli->progress.shown = false;
}

/* "1.23k", three digits. */
static void
add_scaled(struct jbuf *b, double v)
{
	static const char *const unit[] = { "", "k", "M", "G", "T" };
	size_t i = 0;

	while (v >= 999.5 && i < 4) {
		v /= 1000;
		i++;
	}
	jbuf_printf(b, "%.*f%s", v >= 99.95 || (i == 0 && v == (int)v) ? 0 : v >= 9.995 ? 1 : 2, v,
		unit[i]);
}

static void
line_text(const struct jcli *cli, struct jbuf *b, const char *unit, const uint64_t *count,
	double rate)
{
	uint64_t done = count[0], total = count[1];
	char left[16];

	jbuf_printf(b, "%s: ", cli->tool->name);
	add_scaled(b, (double)done);
	jbuf_printf(b, " %s", unit);
	if (total)
		jbuf_printf(b, " %.1f%%", 100.0 * (double)done / (double)total);
	if (rate > 0) {
		jbuf_adds(b, ", ");
		add_scaled(b, rate);
		jbuf_adds(b, "/s");
	}
	if (rate > 0 && total > done)
		jbuf_printf(b, ", %s left",
			jstr_human_time(left, (double)(total - done) / rate));
}

static void
event_text(const struct jcli *cli, struct jbuf *b, const char *unit, const uint64_t *count,
	double rate)
{
	log_event_begin(cli, b, "progress");
	jbuf_adds(b, ",\"unit\":");
	jjson_str(b, unit, strlen(unit));
	jbuf_printf(b, ",\"done\":%" PRIu64, count[0]);
	if (count[1])
		jbuf_printf(b, ",\"total\":%" PRIu64, count[1]);
	if (rate > 0) {
		jbuf_adds(b, ",\"per_s\":");
		jjson_num(b, rate);
	}
}

static size_t
terminal_width(void)
{
#ifdef TIOCGWINSZ
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
		return w.ws_col;
#endif
	return 80;
}

static void
draw(struct jcli *cli, struct jbuf *b, const char *extra)
{
	if (cli->common.log_json) {
		if (extra) {
			jbuf_adds(b, ",\"extra\":");
			jjson_str(b, extra, strlen(extra));
		}
		jbuf_adds(b, "}\n");
		log_raw(b);
		return;
	}
	if (extra)
		jbuf_printf(b, ", %s", extra);
	progress_clear(cli);
	if (cli->progress.tty && b->n >= terminal_width()) {
		b->n = terminal_width() - 1;
		while (b->n && ((unsigned char)b->p[b->n] & 0xC0) == 0x80)
			b->n--;
	} else if (!cli->progress.tty) {
		jbuf_addc(b, '\n');
	}
	log_raw(b);
	cli->progress.shown = cli->progress.tty;
}

void
jcli_progress(struct jcli *cli, const char *unit, uint64_t done, uint64_t total,
	const char *extra)
{
	struct progress *p = &cli->progress;
	uint64_t count[2] = { done, total };
	double now, rate = 0;
	struct jbuf b;

	if (!p->on)
		return;
	now = jsys_now();
	pthread_mutex_lock(&cli->lock);
	if (p->next == 0) {
		/* The rate leaves out what a resumed run had already. */
		p->start = now;
		p->first = done;
		p->next = now + p->every;
	} else if (now >= p->next) {
		if (now > p->start && done > p->first)
			rate = (double)(done - p->first) / (now - p->start);
		jbuf_init(&b);
		if (cli->common.log_json)
			event_text(cli, &b, unit, count, rate);
		else
			line_text(cli, &b, unit, count, rate);
		draw(cli, &b, extra);
		jbuf_release(&b);
		p->next = now + p->every;
	}
	pthread_mutex_unlock(&cli->lock);
}
