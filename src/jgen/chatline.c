#include "chatline.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/jmem.h"
#include "io/jfs.h"

#ifdef J_LIBEDIT
#include <histedit.h>
#endif

#define HISTORY_LINES 1000

struct chatline {
	struct jin *in;			/* plain lines; NULL: edited ones */
	struct jout *out;
	bool terminal;
	const char *history;
	const char *prompt;
	char *line;
#ifdef J_LIBEDIT
	EditLine *el;
	History *hist;
#endif
};

#ifdef J_LIBEDIT
static char *
show_prompt(EditLine *el)
{
	struct chatline *c;

	el_get(el, EL_CLIENTDATA, &c);
	return (char *)(uintptr_t)c->prompt;
}

static int
open_editor(struct chatline *c, struct jerr *e)
{
	HistEvent ev;

	c->el = el_init("jgen", stdin, stdout, stderr);
	c->hist = history_init();
	if (!c->el || !c->hist)
		return jerr_set(e, JERR_IO, "the terminal cannot be edited on");
	history(c->hist, &ev, H_SETSIZE, HISTORY_LINES);
	history(c->hist, &ev, H_SETUNIQUE, 1);
	if (c->history && jfs_exists(c->history) && history(c->hist, &ev, H_LOAD, c->history) < 0)
		return jerr_set(e, JERR_FORMAT, "%s: not a history of jgen", c->history);
	el_set(c->el, EL_CLIENTDATA, c);
	el_set(c->el, EL_PROMPT, show_prompt);
	el_set(c->el, EL_EDITOR, "emacs");
	el_set(c->el, EL_SIGNAL, 1);
	el_set(c->el, EL_HIST, history, c->hist);
	el_source(c->el, NULL);
	return 0;
}

static int
read_edited(struct chatline *c, char **line, size_t *n)
{
	HistEvent ev;
	int count = 0;
	const char *p = el_gets(c->el, &count);

	if (!p || count <= 0)
		return 0;
	while (count > 0 && (p[count - 1] == '\n' || p[count - 1] == '\r'))
		count--;
	jmem_free(c->line);
	c->line = jmem_strndup(p, (size_t)count);
	if (count > 0)
		history(c->hist, &ev, H_ENTER, c->line);
	*line = c->line;
	*n = (size_t)count;
	return 1;
}

static int
close_editor(struct chatline *c, struct jerr *e)
{
	HistEvent ev;
	int rc = 0;

	if (c->hist && c->history && history(c->hist, &ev, H_SAVE, c->history) < 0)
		rc = jerr_set(e, JERR_IO, "%s: cannot write the history", c->history);
	if (c->el)
		el_end(c->el);
	if (c->hist)
		history_end(c->hist);
	return rc;
}
#endif

int
chatline_open(struct chatline **out, const char *history_file, struct jout *to, struct jerr *e)
{
	struct chatline *c = jmem_zalloc(1, sizeof(*c));
	int rc;

	c->out = to;
	c->history = history_file;
	c->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	*out = c;
#ifdef J_LIBEDIT
	if (c->terminal)
		return open_editor(c, e);
#endif
	rc = jin_open(&c->in, "-", e);
	return rc;
}

int
chatline_read(struct chatline *c, const char *prompt, char **line, size_t *n, struct jerr *e)
{
	int rc;

	c->prompt = prompt;
#ifdef J_LIBEDIT
	if (!c->in)
		return read_edited(c, line, n);
#endif
	if (c->terminal && ((rc = jout_write(c->out, prompt, strlen(prompt), e)) < 0 ||
	    (rc = jout_flush(c->out, e)) < 0))
		return rc;
	rc = jin_line(c->in, line, n, e);
	if (rc == 2)
		return jerr_set(e, JERR_LIMIT, "a turn of %zu bytes is too long", *n);
	return rc;
}

int
chatline_close(struct chatline *c, struct jerr *e)
{
	int rc = 0;

	if (!c)
		return 0;
#ifdef J_LIBEDIT
	rc = close_editor(c, e);
#endif
	if (c->in)
		jin_close(c->in);
	jmem_free(c->line);
	jmem_free(c);
	return rc;
}
