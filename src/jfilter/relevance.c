#include "relevance.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "conf/jdomain.h"

struct words {
	const char **v;
	size_t n, cap;
	struct jarena *arena;
};

static void
add_word(struct words *w, const char *s, size_t n)
{
	while (n > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (n == 0)
		return;
	JMEM_GROW(w->v, w->cap, w->n + 1);
	w->v[w->n++] = jarena_strndup(w->arena, s, n);
}

static void
add_options(struct words *w, const struct jopt_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		const char *s = list->v[i];
		size_t n;

		while (*s) {
			n = strcspn(s, ",");
			add_word(w, s, n);
			s += n + (s[n] == ',');
		}
	}
}

static void
add_strings(struct words *w, const struct jstrings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		add_word(w, list->v[i], strlen(list->v[i]));
}

static int
read_domain(struct words *key, struct words *neg, const char *file, struct jerr *e)
{
	struct jdomain d;
	int rc = jdomain_load(&d, file, e);

	if (rc < 0)
		return rc;
	add_strings(key, &d.keywords);
	add_strings(neg, &d.negative_keywords);
	jdomain_release(&d);
	return 0;
}

int
relevance_open(struct relevance *r, const char *domain, const struct jopt_list *keywords,
	const struct jopt_list *negative, struct jerr *e)
{
	struct jarena arena;
	struct words key = { .arena = &arena }, neg = { .arena = &arena };
	size_t i;
	int rc = 0;

	memset(r, 0, sizeof(*r));
	jarena_init(&arena, 0);
	if (domain)
		rc = read_domain(&key, &neg, domain, e);
	add_options(&key, keywords);
	add_options(&neg, negative);
	r->keywords = key.n;
	if (rc == 0 && key.n + neg.n > 0) {
		for (i = 0; i < neg.n; i++)
			add_word(&key, neg.v[i], strlen(neg.v[i]));
		rc = jmatch_new(&r->match, key.v, key.n, e);
	}
	jmem_free(key.v);
	jmem_free(neg.v);
	jarena_release(&arena);
	return rc;
}

void
relevance_close(struct relevance *r)
{
	jmatch_free(r->match);
	r->match = NULL;
}

static double
weight(double hits)
{
	return hits < 1 ? hits / 3 : hits >= 4 ? 1 : (1 + log2(hits)) / 3;
}

double
relevance_score(const struct relevance *r, struct jpage *page, uint32_t *count)
{
	size_t all = jmatch_size(r->match), i;
	double sum = 0, away = 0, need = (double)r->keywords / 3, score;
	double scale = page->words > 1000 ? 1000.0 / (double)page->words : 1;

	memset(count, 0, all * sizeof(*count));
	jpage_flat(page);
	jmatch_count(r->match, page->flat.p, page->flat.n, count);
	for (i = 0; i < all; i++)
		*(i < r->keywords ? &sum : &away) += weight(count[i] * scale);
	need = need < 1 ? 1 : need > 3 ? 3 : need;
	score = r->keywords ? sum / need : 1;
	score = (score > 1 ? 1 : score) - 0.4 * away;
	return score < 0 ? 0 : score;
}
