#include "model/pickle.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"

#define MAX_STRING (1u << 20)

enum global {
	G_TENSOR, G_PARAMETER, G_DICT, G_SIZE, G_STORAGE	/* and the storages after it */
};

static const struct {
	const char *name;
	enum global g;
	enum jdtype dtype;
} globals[] = {
	{ "torch._utils._rebuild_tensor_v2", G_TENSOR, 0 },
	{ "torch._utils._rebuild_parameter", G_PARAMETER, 0 },
	{ "collections.OrderedDict", G_DICT, 0 },
	{ "torch.Size", G_SIZE, 0 },
	{ "torch.FloatStorage", G_STORAGE, JDT_F32 },
	{ "torch.HalfStorage", G_STORAGE, JDT_F16 },
	{ "torch.BFloat16Storage", G_STORAGE, JDT_BF16 },
	{ "torch.DoubleStorage", G_STORAGE, JDT_F64 },
	{ "torch.LongStorage", G_STORAGE, JDT_I64 },
	{ "torch.IntStorage", G_STORAGE, JDT_I32 },
	{ "torch.ShortStorage", G_STORAGE, JDT_I16 },
	{ "torch.CharStorage", G_STORAGE, JDT_I8 },
	{ "torch.ByteStorage", G_STORAGE, JDT_U8 },
	{ "torch.BoolStorage", G_STORAGE, JDT_BOOL },
	{ "torch.Float8_e4m3fnStorage", G_STORAGE, JDT_F8_E4M3 },
	{ "torch.Float8_e5m2Storage", G_STORAGE, JDT_F8_E5M2 },
};

struct vm {
	const unsigned char *p;
	size_t n, at;
	const char *file;
	struct jarena *a;
	struct jerr *e;
	struct pickle_value **stack, **memo;
	size_t depth, cap, n_memo, cap_memo;
	size_t *marks, n_marks, cap_marks;
	bool stopped;
};

static int
bad(struct vm *m, const char *what)
{
	return jerr_set(m->e, JERR_FORMAT, "%s: pickle at byte %zu: %s", m->file, m->at, what);
}

static struct pickle_value *
make(struct vm *m, enum pickle_kind kind)
{
	struct pickle_value *v = jarena_alloc(m->a, 1, sizeof(*v));

	v->kind = kind;
	return v;
}

static int
push(struct vm *m, struct pickle_value *v)
{
	JARENA_GROW(m->a, m->stack, m->cap, m->depth + 1);
	m->stack[m->depth++] = v;
	return 0;
}

static int
push_int(struct vm *m, enum pickle_kind kind, int64_t i)
{
	struct pickle_value *v = make(m, kind);

	v->i = i;
	return push(m, v);
}

/* The lowest place that may be popped: what lies above the last mark. */
static size_t
floor_of(const struct vm *m)
{
	return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

static struct pickle_value *
pop(struct vm *m)
{
	if (m->depth <= floor_of(m)) {
		bad(m, "stack underflow");
		return NULL;
	}
	return m->stack[--m->depth];
}

/* What lies above the last mark becomes the items of v. */
static int
take_marked(struct vm *m, struct pickle_value *v)
{
	size_t from, n;

	if (!m->n_marks)
		return bad(m, "no mark");
	from = m->marks[--m->n_marks];
	n = m->depth - from;
	v->v = jarena_grow(m->a, v->v, &v->cap, v->n + n, sizeof(*v->v));
	if (n)
		memcpy(v->v + v->n, m->stack + from, n * sizeof(*v->v));
	v->n += n;
	m->depth = from;
	return 0;
}

static int
take_top(struct vm *m, struct pickle_value *v, size_t n)
{
	if (m->depth < floor_of(m) + n)
		return bad(m, "stack underflow");
	v->v = jarena_grow(m->a, v->v, &v->cap, v->n + n, sizeof(*v->v));
	if (n)
		memcpy(v->v + v->n, m->stack + m->depth - n, n * sizeof(*v->v));
	v->n += n;
	m->depth -= n;
	return 0;
}

static int
need(struct vm *m, size_t n)
{
	return m->n - m->at >= n ? 0 : bad(m, "ends inside an opcode");
}

static uint64_t
next_le(struct vm *m, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)m->p[m->at + (size_t)i] << 8 * i;
	m->at += (size_t)bytes;
	return v;
}

static int
push_string(struct vm *m, int len_bytes)
{
	struct pickle_value *v;
	uint64_t n;

	if (need(m, (size_t)len_bytes) < 0)
		return m->e->code;
	n = next_le(m, len_bytes);
	if (n > MAX_STRING || n > m->n - m->at || memchr(m->p + m->at, 0, (size_t)n))
		return bad(m, "a string that is too long or holds NUL");
	v = make(m, PK_STR);
	v->s = jarena_strndup(m->a, (const char *)m->p + m->at, (size_t)n);
	m->at += (size_t)n;
	return push(m, v);
}

static int
push_global(struct vm *m, const char *module, size_t module_n, const char *name, size_t name_n)
{
	char full[128];

	snprintf(full, sizeof(full), "%.*s.%.*s", (int)(module_n < 60 ? module_n : 60), module,
		(int)(name_n < 60 ? name_n : 60), name);
	for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
		if (strcmp(globals[i].name, full) == 0)
			return push_int(m, PK_GLOBAL, (int64_t)i);
	return jerr_set(m->e, JERR_UNSUPPORTED, "%s: pickle at byte %zu: names %s, which a file of "
		"tensors does not need: refused", m->file, m->at, full);
}

/* GLOBAL: two lines of text. */
static int
global_lines(struct vm *m)
{
	const char *s = (const char *)m->p + m->at, *a, *b;

	a = memchr(s, '\n', m->n - m->at);
	b = a ? memchr(a + 1, '\n', m->n - m->at - (size_t)(a + 1 - s)) : NULL;
	if (!b)
		return bad(m, "a global without its name");
	m->at += (size_t)(b + 1 - s);
	return push_global(m, s, (size_t)(a - s), a + 1, (size_t)(b - a - 1));
}

static int
stack_global(struct vm *m)
{
	struct pickle_value *name = pop(m), *module = name ? pop(m) : NULL;

	if (!module || name->kind != PK_STR || module->kind != PK_STR)
		return bad(m, "a global without its name");
	return push_global(m, module->s, strlen(module->s), name->s, strlen(name->s));
}

/* ('storage', torch.FloatStorage, '0', 'cpu', 1024) */
static int
persistent(struct vm *m)
{
	struct pickle_value *id = pop(m), *v;
	struct pickle_storage *s;

	if (!id || id->kind != PK_SEQ || id->n != 5 || id->v[0]->kind != PK_STR ||
	    strcmp(id->v[0]->s, "storage") != 0 || id->v[1]->kind != PK_GLOBAL ||
	    globals[id->v[1]->i].g != G_STORAGE || id->v[2]->kind != PK_STR ||
	    id->v[4]->kind != PK_INT || id->v[4]->i < 0)
		return bad(m, "a reference to no storage");
	s = jarena_alloc(m->a, 1, sizeof(*s));
	*s = (struct pickle_storage){ globals[id->v[1]->i].dtype, id->v[2]->s, id->v[4]->i };
	v = make(m, PK_STORAGE);
	v->storage = s;
	return push(m, v);
}

static int
read_extents(struct vm *m, const struct pickle_value *v, int64_t *to)
{
	if (v->kind != PK_SEQ || v->n > PICKLE_MAX_DIMS)
		return bad(m, "a tensor of no or too many dimensions");
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i]->kind != PK_INT || v->v[i]->i < 0)
			return bad(m, "a tensor with an extent that is no size");
		to[i] = v->v[i]->i;
	}
	return 0;
}

static int
build_tensor(struct vm *m, const struct pickle_value *args)
{
	struct pickle_value *v = make(m, PK_TENSOR);
	struct pickle_tensor *t = jarena_alloc(m->a, 1, sizeof(*t));

	if (args->n < 4 || args->v[0]->kind != PK_STORAGE || args->v[1]->kind != PK_INT ||
	    args->v[1]->i < 0 || read_extents(m, args->v[2], t->shape) < 0 ||
	    read_extents(m, args->v[3], t->stride) < 0 || args->v[2]->n != args->v[3]->n)
		return bad(m, "a tensor that cannot be built");
	t->storage = *args->v[0]->storage;
	t->offset = args->v[1]->i;
	t->n_dims = (int)args->v[2]->n;
	v->tensor = t;
	return push(m, v);
}

static int
reduce(struct vm *m)
{
	struct pickle_value *args = pop(m), *f = args ? pop(m) : NULL;

	if (!f || f->kind != PK_GLOBAL || args->kind != PK_SEQ)
		return bad(m, "a call of what is no known global");
	switch (globals[f->i].g) {
	case G_TENSOR:
		return build_tensor(m, args);
	case G_PARAMETER:
		if (args->n < 1 || args->v[0]->kind != PK_TENSOR)
			return bad(m, "a parameter without its tensor");
		return push(m, args->v[0]);
	case G_DICT:
		if (args->n)
			return bad(m, "a dictionary made from arguments");
		return push(m, make(m, PK_DICT));
	case G_SIZE:
		if (args->n != 1 || args->v[0]->kind != PK_SEQ)
			return bad(m, "a size without its extents");
		return push(m, args->v[0]);
	case G_STORAGE:
		break;
	}
	return bad(m, "a storage that is called");
}

static int
put_memo(struct vm *m, uint64_t at)
{
	if (m->depth <= floor_of(m))
		return bad(m, "stack underflow");
	if (at > m->n)		/* there are fewer opcodes than bytes */
		return bad(m, "a memo number that is too large");
	while (m->n_memo <= at) {
		JARENA_GROW(m->a, m->memo, m->cap_memo, m->n_memo + 1);
		m->memo[m->n_memo++] = NULL;
	}
	m->memo[at] = m->stack[m->depth - 1];
	return 0;
}

static int
get_memo(struct vm *m, uint64_t at)
{
	if (at >= m->n_memo || !m->memo[at])
		return bad(m, "a memo number that was never put");
	return push(m, m->memo[at]);
}

/* The container that items are added to, below them. */
static int
add_items(struct vm *m, enum pickle_kind kind, size_t n, bool marked)
{
	struct pickle_value items = { 0 }, *to;
	int rc = marked ? take_marked(m, &items) : take_top(m, &items, n);

	if (rc < 0)
		return rc;
	if (m->depth <= floor_of(m) || (to = m->stack[m->depth - 1])->kind != kind ||
	    (kind == PK_DICT && items.n % 2))
		return bad(m, "items for no container");
	to->v = jarena_grow(m->a, to->v, &to->cap, to->n + items.n, sizeof(*to->v));
	if (items.n)
		memcpy(to->v + to->n, items.v, items.n * sizeof(*to->v));
	to->n += items.n;
	return 0;
}

static int
push_tuple(struct vm *m, size_t n)
{
	struct pickle_value *v = make(m, PK_SEQ);
	int rc = take_top(m, v, n);

	return rc < 0 ? rc : push(m, v);
}

static int
push_marked(struct vm *m, enum pickle_kind kind)
{
	struct pickle_value *v = make(m, kind);

	if (take_marked(m, v) < 0)
		return m->e->code;
	if (kind == PK_DICT && v->n % 2)
		return bad(m, "a key without a value");
	return push(m, v);
}

/* LONG1: n bytes, two's complement. */
static int
push_long(struct vm *m)
{
	int n = (int)next_le(m, 1);
	uint64_t v;

	if (n > 8)
		return bad(m, "a number of more than 64 bits");
	if (need(m, (size_t)n) < 0)
		return m->e->code;
	v = next_le(m, n);
	if (n > 0 && n < 8 && v >> (8 * n - 1))
		v |= ~(uint64_t)0 << 8 * n;
	return push_int(m, PK_INT, (int64_t)v);
}

/* Opcodes that put something on the stack that is in the stream. */
static int
data_op(struct vm *m, unsigned op)
{
	static const struct { unsigned op; int bytes; } ints[] = {
		{ 'K', 1 }, { 'M', 2 }, { 'J', 4 }
	};

	for (size_t i = 0; i < 3; i++) {
		if (op != ints[i].op)
			continue;
		if (need(m, (size_t)ints[i].bytes) < 0)
			return m->e->code;
		if (op == 'J')
			return push_int(m, PK_INT, (int32_t)next_le(m, 4));
		return push_int(m, PK_INT, (int64_t)next_le(m, ints[i].bytes));
	}
	switch (op) {
	case 'X':
		return push_string(m, 4);
	case 0x8c:
		return push_string(m, 1);
	case 0x8a:
		return need(m, 1) < 0 ? m->e->code : push_long(m);
	case 'G':
		if (need(m, 8) < 0)
			return m->e->code;
		m->at += 8;		/* floats are never asked for */
		return push(m, make(m, PK_FLOAT));
	case 'c':
		return global_lines(m);
	default:
		return jerr_set(m->e, JERR_UNSUPPORTED, "%s: pickle at byte %zu: opcode 0x%02x, which "
			"a file of tensors does not need: refused", m->file, m->at - 1, op);
	}
}

static int
memo_op(struct vm *m, unsigned op)
{
	int bytes = op == 'q' || op == 'h' ? 1 : 4;
	uint64_t at;

	if (need(m, (size_t)bytes) < 0)
		return m->e->code;
	at = next_le(m, bytes);
	return op == 'q' || op == 'r' ? put_memo(m, at) : get_memo(m, at);
}

/* PROTO and FRAME announce, MARK and STOP steer. */
static int
control_op(struct vm *m, unsigned op)
{
	size_t skip = op == 0x80 ? 1 : op == 0x95 ? 8 : 0;

	if (need(m, skip) < 0)
		return m->e->code;
	if (op == 0x80 && m->p[m->at] > 5)
		return bad(m, "a protocol above 5");
	m->at += skip;
	if (op == '(') {
		JARENA_GROW(m->a, m->marks, m->cap_marks, m->n_marks + 1);
		m->marks[m->n_marks++] = m->depth;
	}
	m->stopped = op == '.';
	return 0;
}

static int
step(struct vm *m)
{
	unsigned op = m->p[m->at++];

	switch (op) {
	case 0x80: case 0x95: case '(': case '.':
		return control_op(m, op);
	case 'q': case 'r': case 'h': case 'j':
		return memo_op(m, op);
	case 0x94:
		return put_memo(m, m->n_memo);
	case 'N':
		return push(m, make(m, PK_NONE));
	case 0x88: case 0x89:
		return push_int(m, PK_BOOL, op == 0x88);
	case '}':
		return push(m, make(m, PK_DICT));
	case ']': case ')':
		return push(m, make(m, PK_SEQ));
	case 't': case 'l':
		return push_marked(m, PK_SEQ);
	case 'd':
		return push_marked(m, PK_DICT);
	case 0x85: case 0x86: case 0x87:
		return push_tuple(m, op - 0x84);
	case 'a':
		return add_items(m, PK_SEQ, 1, false);
	case 'e':
		return add_items(m, PK_SEQ, 0, true);
	case 's':
		return add_items(m, PK_DICT, 2, false);
	case 'u':
		return add_items(m, PK_DICT, 0, true);
	case 'b':		/* state of an OrderedDict: its _metadata */
	case '0':
		return pop(m) ? 0 : m->e->code;
	case 'Q':
		return persistent(m);
	case 'R':
		return reduce(m);
	case 0x93:
		return stack_global(m);
	default:
		return data_op(m, op);
	}
}

int
pickle_read(struct pickle_value **root, const unsigned char *p, size_t n, const char *file,
	struct jarena *a, struct jerr *e)
{
	struct vm m = { .p = p, .n = n, .file = file, .a = a, .e = e };

	while (!m.stopped) {
		if (m.at >= m.n)
			return bad(&m, "no end mark (truncated?)");
		if (step(&m) < 0)
			return e->code;
	}
	if (m.depth != 1 || m.n_marks)
		return bad(&m, "more or less than one value at the end");
	*root = m.stack[0];
	return 0;
}
