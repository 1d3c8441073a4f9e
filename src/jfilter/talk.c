#include "talk.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "conf/jval.h"

enum { MOST_USERS = 64 };		/* more are not told apart */

static const struct jval *
read_events(const struct jrec *r)
{
	const struct jrec_member *m = jrec_find(r, "events");
	struct jval *v;

	if (!m || m->val[0] != '[' || jval_parse_json(&v, m->val, m->val_n, "events", r->arena, NULL) < 0)
		return NULL;
	return v;
}

static bool
ends_in(const char *s, size_t n, const char *end)
{
	size_t k = strlen(end);

	return n >= k && strncasecmp(s + n - k, end, k) == 0;
}

/* By the name alone. */
static bool
is_bot(const char *s, size_t n)
{
	static const char *const ends[] = { "[bot]", "-bot", "_bot", "-ci" };
	static const char *const names[] = { "jenkins", "travis", "codecov", "coveralls", "dependabot" };
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_in(s, n, ends[i]))
			return true;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n >= strlen(names[i]) && strncasecmp(s, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static double
count_users(const struct jval *events)
{
	const struct jval *user[MOST_USERS];
	size_t i, k, n = 0;

	for (i = 0; i < events->u.a.n && n < MOST_USERS; i++) {
		const struct jval *a = jval_get(events->u.a.v[i], "author");

		if (!a || a->type != JVAL_STR || is_bot(a->u.s.p, a->u.s.n))
			continue;
		for (k = 0; k < n; k++)
			if (user[k]->u.s.n == a->u.s.n && memcmp(user[k]->u.s.p, a->u.s.p, a->u.s.n) == 0)
				break;
		if (k == n)
			user[n++] = a;
	}
	return (double)n;
}

static bool
has_word(const char *s, size_t n, const char *word)
{
	size_t i, k = strlen(word);

	for (i = 0; i + k <= n; i++)
		if (strncasecmp(s + i, word, k) == 0)
			return true;
	return false;
}

static double
count_chars(const char *s, size_t n)
{
	size_t i, chars = 0;

	for (i = 0; i < n; i++)
		chars += ((unsigned char)s[i] & 0xc0) != 0x80;
	return (double)chars;
}

static void
read_pull(const struct jrec *r, struct jtalk *t)
{
	const char *s;
	bool yes, merged = jrec_bool(r, "merged", &yes), wanted = merged && yes;
	size_t n;

	if (jrec_bool(r, "approved", &yes)) {
		merged = true;
		wanted |= yes;
	}
	if (!merged)
		return;
	t->accepted = wanted;
	if (!jrec_str(r, "title", &s, &n))
		return;
	t->title_chars = count_chars(s, n);
	t->upkeep = has_word(s, n, "dependenc") || has_word(s, n, "release") || has_word(s, n, "bump ");
}

const struct jtalk *
talk_read(const struct jrec *r)
{
	const struct jval *events = read_events(r);
	bool pull = jrec_find(r, "merged") || jrec_find(r, "approved");
	struct jtalk *t;

	if (!events && !pull)
		return NULL;
	t = jarena_alloc(r->arena, 1, sizeof(*t));
	*t = (struct jtalk){ NAN, NAN, NAN, NAN, NAN };
	if (pull)
		read_pull(r, t);
	if (events) {
		t->users = count_users(events);
		t->events = (double)events->u.a.n;
	}
	return t;
}

void
talk_text(const struct jrec *r, struct jbuf *b)
{
	const struct jval *events = read_events(r);
	size_t i;

	for (i = 0; events && i < events->u.a.n; i++) {
		const struct jval *t = jval_get(events->u.a.v[i], "text");

		if (!t || t->type != JVAL_STR)
			continue;
		if (b->n > 0)
			jbuf_adds(b, "\n\n");
		jbuf_add(b, t->u.s.p, t->u.s.n);
	}
}
