/*
 * cluster.c - the table of the cluster file's keys, and the checks of its machines.
 */
#include <string.h>

#include "conf/jcluster.h"
#include "io/jio.h"

#define MAX_FILE ((size_t)4 << 20)
#define TRAINER_GB 16.0		/* all trainers together need this much */

static const struct jschema_key keys[] = {
	{ "backend", JSCHEMA_STR, .deflt = "mpi", .choices = "mpi|ring|jaccl|torch",
		.doc = "how gradients are exchanged" },
	{ "network_interface", JSCHEMA_STR, .doc = "interface to use; the system's choice if not given" },
	{ "use_thunderbolt_bridge", JSCHEMA_BOOL, .deflt = "true", .doc = "prefer a direct cable" },
	{ "sync_every_n_steps", JSCHEMA_INT, .deflt = "1", .min = 1, .max = 1e6,
		.doc = "local steps between exchanges" },
	{ "gradient_compression", JSCHEMA_BOOL, .deflt = "false", .doc = "compress what is exchanged" },
	{ "checkpoint_on_failure", JSCHEMA_BOOL, .deflt = "true", .doc = "save when a node is lost" },
	{ "auto_restart_failed_nodes", JSCHEMA_BOOL, .deflt = "true", .doc = "start a lost node again" },
	{ "nodes", JSCHEMA_LIST, .doc = "the machines" },
	{ "nodes[].host", JSCHEMA_STR, true, .doc = "name or address" },
	{ "nodes[].name", JSCHEMA_STR, .doc = "for people; the host if not given" },
	{ "nodes[].device_type", JSCHEMA_STR, .deflt = "cpu", .choices = "mac|nvidia|cpu",
		.doc = "what computes" },
	{ "nodes[].memory_gb", JSCHEMA_NUM, .deflt = "16", .min = 0.001, .max = 1e6,
		.doc = "memory of the device" },
	{ "nodes[].chip", JSCHEMA_STR, .doc = "for people" },
	{ "nodes[].role", JSCHEMA_STR, .deflt = "trainer",
		.choices = "generator|trainer|hybrid|evaluator", .doc = "what it does" },
	{ "nodes[].connection_type", JSCHEMA_STR, .deflt = "ethernet",
		.choices = "thunderbolt|ethernet|wifi", .doc = "how it is reached" },
	{ "nodes[].ssh_user", JSCHEMA_STR, .doc = "user there; our own if not given" },
	{ "nodes[].ssh_port", JSCHEMA_INT, .deflt = "22", .min = 1, .max = 65535, .doc = "port of ssh" },
	{ "nodes[].can_generate", JSCHEMA_BOOL, .deflt = "true", .doc = "may be used to generate" },
	{ "nodes[].can_train", JSCHEMA_BOOL, .deflt = "true", .doc = "may be used to train" },
	{ .path = NULL }
};

const struct jschema jcluster_schema = { "cluster", keys };

static void
fill_node(struct jcluster_node *n, const struct jval *x)
{
	const struct jschema *s = &jcluster_schema;

	n->line = x->line;
	n->host = jschema_str(s, x, "nodes[].host");
	n->name = jschema_str(s, x, "nodes[].name");
	if (!n->name)
		n->name = n->host;
	n->device_type = jschema_str(s, x, "nodes[].device_type");
	n->chip = jschema_str(s, x, "nodes[].chip");
	n->role = jschema_str(s, x, "nodes[].role");
	n->connection_type = jschema_str(s, x, "nodes[].connection_type");
	n->ssh_user = jschema_str(s, x, "nodes[].ssh_user");
	n->memory_gb = jschema_num(s, x, "nodes[].memory_gb");
	n->ssh_port = jschema_int(s, x, "nodes[].ssh_port");
	n->can_generate = jschema_bool(s, x, "nodes[].can_generate");
	n->can_train = jschema_bool(s, x, "nodes[].can_train");
}

static void
fill(struct jcluster *c, const struct jval *root)
{
	const struct jschema *s = &jcluster_schema;
	const struct jval *nodes = jschema_at(root, "nodes");
	size_t i;

	c->backend = jschema_str(s, root, "backend");
	c->network_interface = jschema_str(s, root, "network_interface");
	c->use_thunderbolt_bridge = jschema_bool(s, root, "use_thunderbolt_bridge");
	c->gradient_compression = jschema_bool(s, root, "gradient_compression");
	c->checkpoint_on_failure = jschema_bool(s, root, "checkpoint_on_failure");
	c->auto_restart_failed_nodes = jschema_bool(s, root, "auto_restart_failed_nodes");
	c->sync_every_n_steps = jschema_int(s, root, "sync_every_n_steps");
	c->n_nodes = nodes ? nodes->u.a.n : 0;
	c->nodes = jarena_alloc(&c->arena, c->n_nodes + 1, sizeof(*c->nodes));
	for (i = 0; i < c->n_nodes; i++)
		fill_node(&c->nodes[i], nodes->u.a.v[i]);
}

int
jcluster_parse(struct jcluster *c, const char *text, size_t n, const char *name, struct jerr *e)
{
	struct jerr own = { 0 };
	struct jval *top;
	const struct jval *root;

	e = e ? e : &own;
	memset(c, 0, sizeof(*c));
	jarena_init(&c->arena, 0);
	c->file = jarena_strndup(&c->arena, name, strlen(name));
	if (jval_parse_yaml(&top, text, n, c->file, &c->arena, e) == 0) {
		root = jval_get(top, "cluster");
		root = root && top->u.o.n == 1 ? root : top;
		if (jschema_check(&jcluster_schema, root, c->file, e) == 0) {
			fill(c, root);
			return 0;
		}
	}
	jcluster_release(c);
	return e->code;
}

int
jcluster_load(struct jcluster *c, const char *path, struct jerr *e)
{
	struct jbuf b;
	int rc;

	memset(c, 0, sizeof(*c));
	jbuf_init_max(&b, MAX_FILE);
	rc = jin_slurp(path, &b, e);
	if (rc == 0)
		rc = jcluster_parse(c, b.p, b.n, path, e);
	jbuf_release(&b);
	return rc;
}

void
jcluster_release(struct jcluster *c)
{
	jarena_release(&c->arena);
	memset(c, 0, sizeof(*c));
}

static bool
has_role(const struct jcluster_node *n, const char *role)
{
	return strcmp(n->role, role) == 0 || strcmp(n->role, "hybrid") == 0;
}

static int
check_hosts(const struct jcluster *c, struct jbuf *problems)
{
	size_t i, k;
	int n = 0;

	for (i = 1; i < c->n_nodes; i++)
		for (k = 0; k < i; k++)
			if (strcmp(c->nodes[i].host, c->nodes[k].host) == 0) {
				jbuf_printf(problems, "%s:%d: the host '%s' is there twice, first in "
					"line %d\n", c->file, c->nodes[i].line, c->nodes[i].host,
					c->nodes[k].line);
				n++;
				break;
			}
	return n;
}

int
jcluster_check(const struct jcluster *c, struct jbuf *problems)
{
	bool generator = false, trainer = false;
	double memory = 0;
	size_t i;
	int n = 0;

	if (c->n_nodes == 0) {
		jbuf_printf(problems, "%s:1: no nodes\n", c->file);
		return 1;
	}
	for (i = 0; i < c->n_nodes; i++) {
		generator = generator || has_role(&c->nodes[i], "generator");
		if (has_role(&c->nodes[i], "trainer")) {
			trainer = true;
			memory += c->nodes[i].memory_gb;
		}
	}
	if (!generator) {
		jbuf_printf(problems, "%s:1: no node is a generator or hybrid\n", c->file);
		n++;
	}
	if (!trainer) {
		jbuf_printf(problems, "%s:1: no node is a trainer or hybrid\n", c->file);
		n++;
	} else if (memory < TRAINER_GB) {
		jbuf_printf(problems, "%s:1: the trainers have %.4g GB in all, expected %g or more\n",
			c->file, memory, TRAINER_GB);
		n++;
	}
	return n + check_hosts(c, problems);
}
