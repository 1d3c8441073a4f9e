/* md.c - the Markdown writer; see md.h. */
#include "doc/md.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

void
md_init(struct md *m, struct jbuf *out)
{
	memset(m, 0, sizeof(*m));
	m->out = out;
	m->closed_at = (size_t)-1;
}

/* Writes the containers' prefixes of a line; text says whether something visible follows. */
static void
prefix(struct md *m, bool text)
{
	size_t start = m->out->n;

	for (int i = 0; i < m->n_box; i++) {
		bool first = text && !m->box[i].used;

		if (!text && !m->box[i].used)
			break;	/* the blank line stands before this container */
		jbuf_adds(m->out, first ? m->box[i].first : m->box[i].rest);
		if (text)
			m->box[i].used = true;
	}
	if (!text)
		while (m->out->n > start && m->out->p[m->out->n - 1] == ' ')
			m->out->p[--m->out->n] = '\0';
}

/* Moves to where the next visible character goes: line ends, prefixes, the pending blank. */
static void
place(struct md *m)
{
	if (m->flat == 0 && m->want > 0) {
		if (m->out->n > 0) {
			jbuf_addc(m->out, '\n');
			for (int i = 1; i < m->want; i++) {
				prefix(m, false);
				jbuf_addc(m->out, '\n');
			}
		}
		m->want = 0;
		m->space = false;
		m->open = false;
	}
	if (!m->open) {
		prefix(m, true);
		m->open = true;
	} else if (m->space) {
		jbuf_addc(m->out, ' ');
	}
	m->space = false;
	m->hold = false;
}

static void
write_marks(struct md *m)
{
	for (int i = 0; i < m->n_mark; i++) {
		const char *s = m->mark[i].s;
		size_t n = strlen(s);

		if (m->mark[i].written)
			continue;
		m->mark[i].written = true;
		if (n == 0)
			continue;
		/* "**a**" directly followed by "**b**" is "**ab**"; by "*b*" only noise: "**a**b" */
		if (m->out->n == m->closed_at) {
			bool same = strcmp(m->closed, s) == 0;

			if (!same) {
				m->mark[i].s = "";
				continue;
			}
			m->out->n -= n;
			m->out->p[m->out->n] = '\0';
			m->closed_at = (size_t)-1;
			continue;
		}
		jbuf_adds(m->out, s);
	}
}

void
md_word(struct md *m, const char *s, size_t n)
{
	if (n == 0)
		return;
	place(m);
	if (m->n_mark > 0)
		write_marks(m);
	jbuf_add(m->out, s, n);
}

void
md_text(struct md *m, const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t start = i;

		if (is_blank(s[i])) {
			m->space = true;
			i++;
			continue;
		}
		while (i < n && !is_blank(s[i]))
			i++;
		md_word(m, s + start, i - start);
	}
}

void
md_break(struct md *m)
{
	if (m->flat)
		m->space = true;
	else if (m->want < 1 && m->open)
		m->want = 1;
}

static void
close_marks(struct md *m)
{
	for (int i = m->n_mark - 1; i >= 0; i--) {
		if (!m->mark[i].written)
			continue;
		jbuf_adds(m->out, m->mark[i].s);
		m->mark[i].written = false;
	}
}

void
md_block(struct md *m, int gap)
{
	if (m->flat) {
		m->space = true;
		return;
	}
	close_marks(m);
	if (m->out->n > 0 && m->want < gap && !m->hold)
		m->want = gap;
	m->space = false;
}

void
md_gap(struct md *m, int gap)
{
	md_block(m, gap);
	if (!m->flat && m->want > 0)
		m->want = gap;
	m->hold = true;
}

void
md_open(struct md *m, const char *mark)
{
	bool idle = m->plain || m->bare;

	if (m->n_mark == MD_MARKS) {
		m->extra_mark++;
		return;
	}
	/* the same mark inside itself says nothing */
	for (int i = 0; i < m->n_mark; i++)
		idle = idle || strcmp(m->mark[i].s, mark) == 0;
	m->mark[m->n_mark].s = idle ? "" : mark;
	m->mark[m->n_mark].written = false;
	m->n_mark++;
}

void
md_close(struct md *m)
{
	if (m->extra_mark > 0) {
		m->extra_mark--;
		return;
	}
	if (m->n_mark == 0)
		return;
	m->n_mark--;
	if (!m->mark[m->n_mark].written || !*m->mark[m->n_mark].s)
		return;
	m->closed = m->mark[m->n_mark].s;
	jbuf_adds(m->out, m->closed);
	m->closed_at = m->out->n;
}

/* Longest run of back-ticks in s. */
static size_t
ticks(const char *s, size_t n)
{
	size_t best = 0, run = 0;

	for (size_t i = 0; i < n; i++) {
		run = s[i] == '`' ? run + 1 : 0;
		if (run > best)
			best = run;
	}
	return best;
}

/* Collapses white space into out, without blanks at the ends. */
static void
collapse(struct jbuf *out, const char *s, size_t n)
{
	bool space = false;

	for (size_t i = 0; i < n; i++) {
		if (is_blank(s[i])) {
			space = true;
			continue;
		}
		if (space && out->n > 0)
			jbuf_addc(out, ' ');
		space = false;
		jbuf_addc(out, s[i]);
	}
}

void
md_code(struct md *m, const char *s, size_t n)
{
	struct jbuf b, w;
	size_t run;

	jbuf_init(&b);
	collapse(&b, s, n);
	if (n > 0 && is_blank(s[0]))
		m->space = true;
	if (b.n > 0 && m->bare) {
		md_word(m, b.p, b.n);
	} else if (b.n > 0) {
		jbuf_init(&w);
		run = ticks(b.p, b.n);
		for (size_t i = 0; i <= run; i++)
			jbuf_addc(&w, '`');
		if (run > 0)
			jbuf_addc(&w, ' ');
		jbuf_add(&w, b.p, b.n);
		if (run > 0)
			jbuf_addc(&w, ' ');
		for (size_t i = 0; i <= run; i++)
			jbuf_addc(&w, '`');
		md_word(m, w.p, w.n);
		jbuf_release(&w);
	}
	if (n > 0 && is_blank(s[n - 1]))
		m->space = true;
	jbuf_release(&b);
}

void
md_push(struct md *m, const char *first, const char *rest)
{
	if (m->n_box == MD_BOXES || strlen(first) >= sizeof(m->box[0].first) ||
	    strlen(rest) >= sizeof(m->box[0].rest)) {
		m->extra_box++;
		return;
	}
	memcpy(m->box[m->n_box].first, first, strlen(first) + 1);
	memcpy(m->box[m->n_box].rest, rest, strlen(rest) + 1);
	m->box[m->n_box].used = false;
	m->n_box++;
}

void
md_pop(struct md *m)
{
	if (m->extra_box > 0)
		m->extra_box--;
	else if (m->n_box > 0)
		m->n_box--;
}

void
md_heading(struct md *m, int level, const char *s, size_t n)
{
	static const char hashes[] = "######";
	struct jbuf b;

	jbuf_init(&b);
	collapse(&b, s, n);
	if (b.n > 0) {
		md_block(m, 2);
		if (!m->flat) {
			md_word(m, hashes, (size_t)(level < 1 ? 1 : level > 6 ? 6 : level));
			m->space = true;
		}
		md_word(m, b.p, b.n);
		md_block(m, 2);
	}
	jbuf_release(&b);
}

void
md_fence(struct md *m, const char *lang, const char *s, size_t n)
{
	struct jbuf f;
	size_t run = ticks(s, n), i = 0;

	jbuf_init(&f);
	for (size_t k = 0; k < (run < 3 ? 3 : run + 1); k++)
		jbuf_addc(&f, '`');
	md_block(m, 2);
	md_word(m, f.p, f.n);
	if (lang && *lang)
		jbuf_adds(m->out, lang);
	while (i < n) {
		const char *nl = memchr(s + i, '\n', n - i);
		size_t end = nl ? (size_t)(nl - s) : n;

		jbuf_addc(m->out, '\n');
		prefix(m, end > i);
		jbuf_add(m->out, s + i, end - i);
		i = end + 1;
	}
	m->want = 1;
	md_word(m, f.p, f.n);
	md_block(m, 2);
	jbuf_release(&f);
}

void
md_finish(struct md *m)
{
	close_marks(m);
	m->n_mark = 0;
	if (m->out->n > 0 && m->out->p[m->out->n - 1] != '\n')
		jbuf_addc(m->out, '\n');
}
