#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "cli/internal.h"

#define REASONS_SHOWN 8

struct jcli_counts *
jcli_counts(struct jcli *cli)
{
	return &cli->counts;
}

void
jcli_reject(struct jcli *cli, const char *reason)
{
	struct reason *r;
	size_t i;

	pthread_mutex_lock(&cli->lock);
	cli->counts.rejected++;
	for (i = 0; i < cli->n_reason && strcmp(cli->reason[i].name, reason) != 0; i++)
		;
	if (i == cli->n_reason) {
		JMEM_GROW(cli->reason, cli->cap_reason, i + 1);
		r = &cli->reason[cli->n_reason++];
		r->name = jmem_strdup(reason);
		r->count = 0;
	}
	cli->reason[i].count++;
	pthread_mutex_unlock(&cli->lock);
}

void
jcli_note(struct jcli *cli, const char *name, const char *json)
{
	size_t i;

	for (i = 0; i < cli->n_note && strcmp(cli->note[i].name, name) != 0; i++)
		;
	if (i == cli->n_note) {
		JMEM_GROW(cli->note, cli->cap_note, i + 1);
		cli->note[cli->n_note++].name = jmem_strdup(name);
	} else {
		jmem_free(cli->note[i].json);
	}
	cli->note[i].json = jmem_strdup(json);
}

static int
by_count(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
sort_reasons(struct jcli *cli)
{
	if (cli->n_reason)
		qsort(cli->reason, cli->n_reason, sizeof(*cli->reason), by_count);
}

void
summary_reasons(struct jcli *cli, struct jbuf *b)
{
	size_t i;

	sort_reasons(cli);
	jbuf_addc(b, '{');
	for (i = 0; i < cli->n_reason; i++) {
		jbuf_adds(b, i ? "," : "");
		jjson_str(b, cli->reason[i].name, strlen(cli->reason[i].name));
		jbuf_printf(b, ":%" PRIu64, cli->reason[i].count);
	}
	jbuf_addc(b, '}');
}

static void
add_reasons(struct jcli *cli, struct jbuf *b)
{
	size_t i;

	sort_reasons(cli);
	for (i = 0; i < cli->n_reason && i < REASONS_SHOWN; i++)
		jbuf_printf(b, "%s%s %" PRIu64, i ? ", " : " (", cli->reason[i].name,
			cli->reason[i].count);
	if (cli->n_reason)
		jbuf_adds(b, cli->n_reason > REASONS_SHOWN ? ", ...)" : ")");
}

static void
add_line(struct jcli *cli, struct jbuf *b)
{
	const struct jcli_counts *c = &cli->counts;
	char s[16];

	if (c->in || c->out || c->rejected)
		jbuf_printf(b, "%" PRIu64 " in, %" PRIu64 " out, ", c->in, c->out);
	if (c->rejected) {
		jbuf_printf(b, "%" PRIu64 " rejected", c->rejected);
		add_reasons(cli, b);
		jbuf_adds(b, ", ");
	}
	if (c->bytes_in)
		jbuf_printf(b, "%s read, ", jstr_human_bytes(s, (double)c->bytes_in));
	if (c->bytes_out)
		jbuf_printf(b, "%s written, ", jstr_human_bytes(s, (double)c->bytes_out));
	jbuf_printf(b, "%s wall, ", jstr_human_time(s, jsys_now() - cli->start));
	jbuf_printf(b, "%s CPU, ", jstr_human_time(s, jsys_cpu()));
	jbuf_printf(b, "%s peak", jstr_human_bytes(s, (double)jsys_peak_rss()));
}

static void
add_event(struct jcli *cli, struct jbuf *b, int status)
{
	const struct jcli_counts *c = &cli->counts;
	size_t i;

	log_event_begin(cli, b, "done");
	jbuf_printf(b, ",\"status\":%d,\"in\":%" PRIu64 ",\"out\":%" PRIu64 ",\"rejected\":%" PRIu64,
		status, c->in, c->out, c->rejected);
	jbuf_adds(b, ",\"reasons\":");
	summary_reasons(cli, b);
	jbuf_printf(b, ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64, c->bytes_in, c->bytes_out);
	jbuf_printf(b, ",\"wall_s\":%.3f,\"cpu_s\":%.3f,\"peak_bytes\":%" PRIu64,
		jsys_now() - cli->start, jsys_cpu(), jsys_peak_rss());
	for (i = 0; i < cli->n_note; i++) {
		jbuf_addc(b, ',');
		jjson_str(b, cli->note[i].name, strlen(cli->note[i].name));
		jbuf_printf(b, ":%s", cli->note[i].json);
	}
	jbuf_adds(b, "}\n");
}

void
summary_print(struct jcli *cli, int status)
{
	struct jbuf b;

	jbuf_init(&b);
	if (cli->common.log_json) {
		add_event(cli, &b, status);
		log_raw(&b);
	} else if (cli->common.verbosity >= 0 && !cli->tool->no_summary && status != 1 &&
	    status != 2) {
		add_line(cli, &b);
		log_line(cli, "info", b.p);
	}
	jbuf_release(&b);
}

/* Splits "N" or "P%". */
static int
max_bad(const char *text, double *limit, bool *percent)
{
	size_t n = strlen(text);
	char digits[32];

	*percent = n && text[n - 1] == '%';
	n -= *percent;
	if (n == 0 || n >= sizeof(digits))
		return JERR_ARG;
	memcpy(digits, text, n);
	digits[n] = '\0';
	return jstr_to_double(digits, limit) < 0 || !(*limit >= 0) ? JERR_ARG : 0;
}

int
summary_check_max_bad(const char *text, struct jerr *e)
{
	double limit;
	bool percent;

	if (max_bad(text, &limit, &percent) < 0)
		return jerr_set(e, JERR_ARG, "option --max-bad: expected N or P%%, found '%s'", text);
	return 0;
}

bool
summary_too_bad(const struct jcli *cli, struct jbuf *why)
{
	double limit, bad = (double)cli->counts.rejected, all = (double)cli->counts.in;
	bool percent;

	if (!cli->common.max_bad || max_bad(cli->common.max_bad, &limit, &percent) < 0)
		return false;
	if (bad <= (percent ? limit * all / 100 : limit))
		return false;
	jbuf_printf(why, "%" PRIu64 " of %" PRIu64 " records were refused, more than --max-bad %s",
		cli->counts.rejected, cli->counts.in, cli->common.max_bad);
	return true;
}
