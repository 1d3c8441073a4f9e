/* text_structure.c - sections and question-answer pairs of small documents. */
#include "t.h"

#include "text/jstructure.h"

static const char python[] =
	"# `json` \xe2\x80\x94 JSON encoder\n\n"
	"JSON is a lightweight data interchange format inspired by JavaScript. It is text.\n\n"
	"## Basic Usage\n\n"
	"### `json.dumps(obj, *, skipkeys=False)`\n\n"
	"Serialize obj to a JSON formatted string using this conversion table.\n\n"
	"```python\n# not a heading\n```\n\n"
	"### `class json.JSONEncoder(*, skipkeys=False)`\n\n"
	"- a list is no prose\n\n"
	"Extensible JSON encoder for Python data structures. Supports the types e.g. dict and list.\n";

static const char man[] =
	"# LS(1)\n\n## NAME\n\nls - list directory contents\n\n## DESCRIPTION\n\n"
	"**-a, --all**\n\ndo not ignore entries starting with a dot in the listing.\n\n"
	"**Note**\n\nThis term is generic and must not become a question at all.\n";

static const struct jpair_opts opts = { .seed = 0, .min_answer = 20, .max_answer = 120 };

static const struct jpair *
find(const struct jpair *v, size_t n, const char *form, const char *about)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(v[i].form, form) == 0 && strstr(v[i].prompt, about))
			return &v[i];
	return NULL;
}

static void
sections(struct jarena *a)
{
	struct jsection *v;
	size_t n;

	jstructure_parse(python, strlen(python), a, &v, &n);
	eq_int(n, 4);
	eq_int(v[1].parent, 0);
	eq_int(v[2].parent, 1);
	eq_int(v[2].kind, JSECTION_OBJECT);
	eq_int(v[3].parent, 1);
	ok(memcmp(python + v[2].title, "json.dumps(", 11) == 0);
}

int
main(void)
{
	struct jarena a;
	struct jpair *v;
	const struct jpair *p;
	size_t n, i;

	jarena_init(&a, 0);
	sections(&a);
	jstructure_pairs(&(struct jpair_doc){ python, strlen(python), "json \xe2\x80\x94 JSON encoder",
		"id1" }, &opts, &a, &v, &n);
	p = find(v, n, "object", "json.dumps");
	ok(p && strcmp(p->answer,
		"Serialize obj to a JSON formatted string using this conversion table.") == 0);
	p = find(v, n, "signature", "json.dumps");
	ok(p && strcmp(p->answer, "`json.dumps(obj, *, skipkeys=False)`") == 0);
	p = find(v, n, "object", "json.JSONEncoder");
	ok(p && strncmp(p->answer, "Extensible JSON encoder", 23) == 0);
	for (i = 0; i < n; i++)	/* every answer is a span of the document */
		ok(memcmp(python + v[i].from, v[i].answer, v[i].answer_n) == 0);

	jstructure_pairs(&(struct jpair_doc){ man, strlen(man), "LS(1)", "id2" }, &opts, &a, &v, &n);
	p = find(v, n, "name", "ls");
	ok(p && strcmp(p->answer, "ls - list directory contents") == 0);
	p = find(v, n, "option", "--all");
	ok(p && strstr(p->prompt, "LS(1)"));
	ok(!find(v, n, "option", "Note"));
	jarena_release(&a);
	return t_done();
}
