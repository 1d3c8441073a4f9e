/*
 * yaml.c - YAML text to values, from libyaml's events.  The core schema of YAML 1.2; anchors,
 * aliases, merge keys, tags and several documents are refused, so the work is bounded by the text.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/jjson.h"
#include "conf/build.h"
#include "io/jio.h"

#define MAX_FILE ((size_t)16 << 20)

struct reader {
	struct build b;
	yaml_parser_t parser;
	yaml_event_t event;
	int depth;
};

static int
line_of(const struct reader *r)
{
	return (int)r->event.start_mark.line + 1;
}

/* The next event into r->event; 0, or the parser's complaint. */
static int
next(struct reader *r, struct jerr *e)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return 0;
	memset(&r->event, 0, sizeof(r->event));
	if (r->parser.error == YAML_READER_ERROR)
		return jerr_set(e, JERR_FORMAT, "%s: byte %zu: %s", r->b.name,
			r->parser.problem_offset, r->parser.problem);
	return jerr_set(e, JERR_FORMAT, "%s:%zu:%zu: %s%s%s", r->b.name,
		r->parser.problem_mark.line + 1, r->parser.problem_mark.column + 1,
		r->parser.problem ? r->parser.problem : "out of memory",
		r->parser.context ? ", " : "", r->parser.context ? r->parser.context : "");
}

static int
refuse(const struct reader *r, const char *what, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s:%d: %s not taken here", r->b.name, line_of(r), what);
}

static bool
is_one_of(const char *s, const char *words)
{
	size_t n = strlen(s), part;

	for (; *words; words += part + (words[part] == '|')) {
		part = strcspn(words, "|");
		if (part == n && memcmp(words, s, n) == 0)
			return true;
	}
	return false;
}

/* 0o17 and 0x1F; other spellings are decimal. */
static bool
based_integer(const char *s, int64_t *v)
{
	int base = strncmp(s, "0o", 2) == 0 ? 8 : strncmp(s, "0x", 2) == 0 ? 16 : 0;
	const char *set = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
	size_t n = strlen(s);

	if (!base || n < 3 || s[2 + strspn(s + 2, set)] || n > 2 + (base == 8 ? 20 : 15))
		return false;
	*v = (int64_t)strtoll(s + 2, NULL, base);
	return true;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_float(const char *s)
{
	size_t whole, part = 0;

	s += *s == '-' || *s == '+';
	whole = strspn(s, "0123456789");
	s += whole;
	if (*s == '.') {
		part = strspn(s + 1, "0123456789");
		s += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		part = strspn(s, "0123456789");
		if (part == 0)
			return false;
		s += part;
	}
	return !*s;
}

static void
plain_scalar(struct jval *v, const char *s)
{
	if (is_one_of(s, "|~|null|Null|NULL") || !*s) {
		v->type = JVAL_NULL;
	} else if (is_one_of(s, "true|True|TRUE|false|False|FALSE")) {
		v->type = JVAL_BOOL;
		v->u.b = *s == 't' || *s == 'T';
	} else if (jstr_to_i64(s, &v->u.i) == 0 || based_integer(s, &v->u.i)) {
		v->type = JVAL_INT;
	} else if (is_float(s)) {
		v->type = JVAL_DOUBLE;
		v->u.d = strtod(s, NULL);
	} else if (is_one_of(s, ".inf|.Inf|.INF|+.inf|-.inf|.nan|.NaN|.NAN")) {
		v->type = JVAL_DOUBLE;
		v->u.d = strchr(s, 'n') == s + 1 || s[1] == 'N' ? NAN : *s == '-' ? -INFINITY : INFINITY;
	}
}

static int
check_scalar(struct reader *r, bool key, struct jerr *e)
{
	const char *s = (const char *)r->event.data.scalar.value;

	if (r->event.data.scalar.anchor)
		return refuse(r, "anchors are", e);
	if (r->event.data.scalar.tag)
		return refuse(r, "tags are", e);
	if (strlen(s) != r->event.data.scalar.length)
		return refuse(r, "NUL characters are", e);
	if (key && strcmp(s, "<<") == 0)
		return refuse(r, "merge keys are", e);
	return 0;
}

static struct jval *
scalar(struct reader *r, struct jerr *e)
{
	struct jval *v;

	if (check_scalar(r, false, e) < 0)
		return NULL;
	v = build_str(&r->b, (const char *)r->event.data.scalar.value,
		r->event.data.scalar.length, line_of(r));
	if (r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		plain_scalar(v, v->u.s.p);
	return v;
}

static struct jval *value(struct reader *r, struct jerr *e);

/* The key is the present event; leaves the value's first event as the present one. */
static const char *
map_key(struct reader *r, struct jerr *e)
{
	const char *key;

	if (r->event.type != YAML_SCALAR_EVENT) {
		refuse(r, "keys that are lists or maps are", e);
		return NULL;
	}
	if (check_scalar(r, true, e) < 0)
		return NULL;
	key = jarena_strndup(r->b.arena, (const char *)r->event.data.scalar.value,
		r->event.data.scalar.length);
	return next(r, e) < 0 ? NULL : key;
}

static struct jval *
container(struct reader *r, struct jerr *e)
{
	bool map = r->event.type == YAML_MAPPING_START_EVENT;
	yaml_event_type_t end = map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	struct jval *v = build_value(&r->b, map ? JVAL_OBJ : JVAL_ARR, line_of(r)), *child;
	size_t from = r->b.n;
	const char *key = NULL;
	int line;

	if (map ? r->event.data.mapping_start.anchor != NULL :
	    r->event.data.sequence_start.anchor != NULL)
		return refuse(r, "anchors are", e), NULL;
	if (map ? r->event.data.mapping_start.tag != NULL :
	    r->event.data.sequence_start.tag != NULL)
		return refuse(r, "tags are", e), NULL;
	if (++r->depth > JJSON_DEPTH)
		return refuse(r, "deeper nesting is", e), NULL;
	for (;;) {
		if (next(r, e) < 0)
			return NULL;
		if (r->event.type == end)
			break;
		line = line_of(r);
		key = map ? map_key(r, e) : NULL;
		if (map && !key)
			return NULL;
		child = value(r, e);
		if (!child)
			return NULL;
		build_push(&r->b, key, child, line);
	}
	r->depth--;
	return build_close(&r->b, v, from, e) < 0 ? NULL : v;
}

static struct jval *
value(struct reader *r, struct jerr *e)
{
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return container(r, e);
	case YAML_ALIAS_EVENT:
		refuse(r, "aliases are", e);
		return NULL;
	default:
		refuse(r, "this is", e);
		return NULL;
	}
}

/* Stream start, one document (none: null), stream end. */
static struct jval *
document(struct reader *r, struct jerr *e)
{
	struct jval *v;

	if (next(r, e) < 0 || next(r, e) < 0)
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return build_value(&r->b, JVAL_NULL, 1);
	if (next(r, e) < 0)
		return NULL;
	v = value(r, e);
	if (!v || next(r, e) < 0 || next(r, e) < 0)
		return NULL;
	if (r->event.type != YAML_STREAM_END_EVENT)
		return refuse(r, "a second document is", e), NULL;
	return v;
}

int
jval_parse_yaml(struct jval **v, const char *p, size_t n, const char *name, struct jarena *a,
	struct jerr *e)
{
	struct reader r;

	*v = NULL;
	memset(&r, 0, sizeof(r));
	if (n > MAX_FILE)
		return jerr_set(e, JERR_LIMIT, "%s: %zu bytes of YAML, more than %zu", name, n,
			MAX_FILE);
	if (!yaml_parser_initialize(&r.parser))
		return jerr_set(e, JERR_NOMEM, "%s: no memory for the YAML parser", name);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)p, n);
	build_init(&r.b, a, name);
	*v = document(&r, e);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	build_release(&r.b);
	return *v ? 0 : e->code;
}

int
jval_load_yaml(struct jval **v, const char *path, struct jarena *a, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, MAX_FILE + 1);
	rc = jin_slurp(path, &b, e);
	if (rc == 0)
		rc = jval_parse_yaml(v, b.p, b.n, path, a, e);
	jbuf_release(&b);
	return rc;
}
