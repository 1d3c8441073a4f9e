/*
 * Shares are fractions of 2^40, so that all sums are of integers.  What is due to a set grows by its
 * share with each row and falls by 2^40 when it gives one.  The state (rows given and due) is kept
 * every STEP rows as far as rows were asked for, and from there a row is found by going on.
 */
#include "jmix.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jstr.h"

#define ONE ((int64_t)1 << 40)
#define STEP 4096

struct due {			/* of one set */
	uint64_t given;
	int64_t due;		/* of ONE rows */
};

struct jmix {
	struct jmix_set *set;
	uint32_t *turn;		/* [n] settles ties: smaller first */
	size_t n;
	uint64_t rows;
	pthread_mutex_t lock;
	struct due *mark;	/* [marks][n] state before row STEP * k */
	size_t marks, mark_cap;
	struct due *now;	/* [n] state before row at */
	int64_t *share;		/* [n] of the sets that still give, 0 for the others */
	uint64_t at;
};

static bool
gives(const struct jmix *m, size_t k)
{
	return !m->set[k].limit || m->now[k].given < m->set[k].limit;
}

/* Shares of the sets that still give; they add up to ONE.  False: none gives. */
static bool
set_shares(struct jmix *m)
{
	double sum = 0;
	int64_t left = ONE;
	size_t k;

	for (k = 0; k < m->n; k++)
		sum += gives(m, k) ? m->set[k].weight : 0;
	for (k = 0; k < m->n; k++) {
		m->share[k] = gives(m, k) ? (int64_t)floor(m->set[k].weight / sum * (double)ONE) : 0;
		left -= m->share[k];
	}
	if (left == ONE)
		return false;
	for (k = 0; left; k = (k + 1) % m->n)
		if (m->share[k]) {
			m->share[k] += left > 0 ? 1 : -1;
			left += left > 0 ? -1 : 1;
		}
	return true;
}

/* The set that gives the next row, and the state behind it. */
static size_t
step(struct jmix *m)
{
	size_t k, best = m->n;
	int64_t best_wait = 0;

	for (k = 0; k < m->n; k++) {
		int64_t wait;

		if (!m->share[k] || m->now[k].due + m->share[k] <= 0)
			continue;	/* gives no more, or not yet */
		wait = (ONE - m->now[k].due + m->share[k] - 1) / m->share[k];
		if (best == m->n || wait < best_wait || (wait == best_wait && m->turn[k] < m->turn[best])) {
			best = k;
			best_wait = wait;
		}
	}
	for (k = 0; k < m->n; k++)
		m->now[k].due += m->share[k];
	m->now[best].due -= ONE;
	m->now[best].given++;
	m->at++;
	if (!gives(m, best)) {		/* the others begin anew among themselves */
		for (k = 0; k < m->n; k++)
			m->now[k].due = 0;
		set_shares(m);
	}
	return best;
}

static int
check_sets(struct jmix *m, struct jerr *e)
{
	size_t k;

	for (k = 0; k < m->n; k++) {
		if (!(m->set[k].weight > 0) || !isfinite(m->set[k].weight))
			return jerr_set(e, JERR_ARG, "weight %g of set %zu: expected a number above 0",
				m->set[k].weight, k + 1);
		if (m->rows == UINT64_MAX || !m->set[k].limit || m->set[k].limit >= UINT64_MAX - m->rows)
			m->rows = UINT64_MAX;
		else
			m->rows += m->set[k].limit;
	}
	set_shares(m);
	for (k = 0; k < m->n; k++)
		if (m->share[k] < 1)
			return jerr_set(e, JERR_ARG, "weight %g of set %zu is too small beside the others",
				m->set[k].weight, k + 1);
	return 0;
}

int
jmix_open(struct jmix **out, const struct jmix_set *v, size_t n, uint64_t seed, struct jerr *e)
{
	struct jmix *m;
	size_t k;
	int rc;

	if (!n || n > JMIX_MAX)
		return jerr_set(e, JERR_ARG, "%zu sets to mix: expected 1 to %d", n, JMIX_MAX);
	m = jmem_zalloc(1, sizeof(*m));
	m->n = n;
	m->set = jmem_alloc(n, sizeof(*m->set));
	memcpy(m->set, v, n * sizeof(*v));
	m->turn = jmem_alloc(n, sizeof(*m->turn));
	m->now = jmem_zalloc(n, sizeof(*m->now));
	m->share = jmem_zalloc(n, sizeof(*m->share));
	for (k = 0; k < n; k++)
		m->turn[k] = (uint32_t)jrand_permute(k, n, seed, 0x6d6978);
	pthread_mutex_init(&m->lock, NULL);
	rc = check_sets(m, e);
	if (rc) {
		jmix_close(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
jmix_close(struct jmix *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	jmem_free(m->set);
	jmem_free(m->turn);
	jmem_free(m->mark);
	jmem_free(m->now);
	jmem_free(m->share);
	jmem_free(m);
}

uint64_t
jmix_rows(const struct jmix *m)
{
	return m->rows;
}

/* Puts the state before a row that is at or before i, as near as is known. */
static void
seek(struct jmix *m, uint64_t i)
{
	uint64_t k = i / STEP;

	if (m->at <= i && m->at / STEP == k)
		return;
	if (k >= m->marks)
		k = m->marks;
	if (m->at <= i && m->at / STEP >= k)
		return;
	if (k == m->marks && k)
		k--;
	memset(m->now, 0, m->n * sizeof(*m->now));
	if (m->marks)
		memcpy(m->now, m->mark + k * m->n, m->n * sizeof(*m->now));
	m->at = k * STEP;
	set_shares(m);
}

static void
keep_mark(struct jmix *m)
{
	if (m->at % STEP || m->at / STEP != m->marks)
		return;
	JMEM_GROW(m->mark, m->mark_cap, (m->marks + 1) * m->n);
	memcpy(m->mark + m->marks++ * m->n, m->now, m->n * sizeof(*m->now));
}

int
jmix_row(struct jmix *m, uint64_t i, size_t *set, uint64_t *row, struct jerr *e)
{
	if (i >= m->rows)
		return jerr_set(e, JERR_ARG, "row %llu of a mixture whose limits allow %llu",
			(unsigned long long)i, (unsigned long long)m->rows);
	pthread_mutex_lock(&m->lock);
	seek(m, i);
	do {
		keep_mark(m);
		*set = step(m);
	} while (m->at <= i);
	*row = m->now[*set].given - 1;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* "3x": epochs; "50m": tokens. */
static int
parse_limit(struct jmix_part *p, char *s, const char *word, struct jerr *e)
{
	size_t n = strlen(s);

	if (n && s[n - 1] == 'x') {
		s[n - 1] = 0;
		if (jstr_to_double(s, &p->epochs) == 0 && p->epochs > 0 && isfinite(p->epochs))
			return 0;
	} else if (jstr_to_count(s, &p->tokens) == 0 && p->tokens > 0)
		return 0;
	return jerr_set(e, JERR_ARG, "\"%s\": expected a limit of epochs, as in 3x, or of tokens, as in 50m",
		word);
}

int
jmix_parse(struct jmix_part *p, const char *word, struct jerr *e)
{
	const char *eq = strrchr(word, '=');
	char *weight, *comma;
	int rc = 0;

	memset(p, 0, sizeof(*p));
	if (!eq || eq == word)
		return jerr_set(e, JERR_ARG, "\"%s\": expected PATH=WEIGHT or PATH=WEIGHT,LIMIT", word);
	weight = jmem_strdup(eq + 1);
	comma = strchr(weight, ',');
	if (comma)
		*comma++ = 0;
	if (jstr_to_double(weight, &p->weight) != 0 || !(p->weight > 0) || !isfinite(p->weight))
		rc = jerr_set(e, JERR_ARG, "\"%s\": expected a weight above 0 behind the last '='", word);
	if (!rc && comma)
		rc = parse_limit(p, comma, word, e);
	jmem_free(weight);
	if (!rc)
		p->path = jmem_strndup(word, (size_t)(eq - word));
	return rc;
}

void
jmix_part_release(struct jmix_part *p)
{
	jmem_free(p->path);
	memset(p, 0, sizeof(*p));
}

uint64_t
jmix_limit(const struct jmix_part *p, uint64_t rows, int seq)
{
	double by_epochs = p->epochs * (double)rows;
	uint64_t by_tokens = p->tokens / (uint64_t)seq;

	if (p->epochs > 0)
		return by_epochs < 1 ? 1 : by_epochs < 9e18 ? (uint64_t)floor(by_epochs) : 0;
	if (p->tokens)
		return by_tokens ? by_tokens : 1;
	return 0;
}
