/* check.c - are the domain and cluster files right?  Every problem on a line of its own. */
#include <stdio.h>
#include <string.h>

#include "base/jstr.h"
#include "conf/jcluster.h"
#include "conf/jdomain.h"
#include "io/jfs.h"
#include "jupiter.h"

struct tally {
	size_t good, bad;
};

static void
check_domain(struct tally *t, const char *path)
{
	struct jerr e = { 0 };
	struct jdomain d;

	if (load_domain(&d, path, &e) < 0) {
		printf("bad   %s\n", e.msg);
		t->bad++;
		return;
	}
	printf("ok    %-28s %-12s %zu sources, %zu keywords, model %s\n", path, d.name, d.n_sources,
		d.keywords.n, d.training.preset);
	t->good++;
	jdomain_release(&d);
}

/* Every .yaml of a folder but those that begin with '_'. */
static int
check_folder(struct jarena *a, struct tally *t, const char *dir, struct jerr *e)
{
	char **names;
	size_t n, i;

	if (!jfs_is_dir(dir))
		return 0;
	if (jfs_list(dir, a, &names, &n, e) < 0)
		return e->code;
	for (i = 0; i < n; i++)
		if (names[i][0] != '_' && jstr_ends(names[i], ".yaml"))
			check_domain(t, jfs_join(a, dir, names[i]));
	return 0;
}

static void
check_cluster(struct tally *t, const char *path)
{
	struct jerr e = { 0 };
	struct jcluster c;
	struct jbuf problems;
	double memory = 0;
	size_t i;
	int n;

	if (!jfs_exists(path))
		return;
	if (jcluster_load(&c, path, &e) < 0) {
		printf("bad   %s\n", e.msg);
		t->bad++;
		return;
	}
	jbuf_init(&problems);
	n = jcluster_check(&c, &problems);
	for (i = 0; i < c.n_nodes; i++)
		memory += c.nodes[i].memory_gb;
	printf("%s %s: backend %s, %zu nodes, %.0f GB in all\n", n ? "bad  " : "ok   ", path, c.backend,
		c.n_nodes, memory);
	for (i = 0; i < c.n_nodes; i++)
		printf("      %-20s %-10s %-8s %6.0f GB  %s\n", c.nodes[i].name, c.nodes[i].role,
			c.nodes[i].device_type, c.nodes[i].memory_gb, c.nodes[i].connection_type);
	printf("%s      note: no program works on several machines yet; this file is checked, not used\n",
		problems.p);
	jbuf_release(&problems);
	t->good += n == 0;
	t->bad += n > 0;
	jcluster_release(&c);
}

int
check_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct config_opts *o = arg;
	struct tally t = { 0 };
	struct jarena a;
	char *path;
	int rc = 0, i;

	jarena_init(&a, 0);
	for (i = 0; rc == 0 && i < argc; i++) {
		rc = find_domain(&a, argv[i], o->config, &path, e);
		if (rc == 0)
			check_domain(&t, path);
	}
	if (argc == 0) {
		rc = check_folder(&a, &t, shipped(&a, "domains"), e);
		if (rc == 0)
			rc = check_folder(&a, &t, o->config ? jfs_join(&a, o->config, "domains") :
				"domains", e);
		check_cluster(&t, o->config ? jfs_join(&a, o->config, "cluster.yaml") : "cluster.yaml");
	}
	jarena_release(&a);
	if (rc == 0 && t.bad > 0)
		rc = jerr_set(e, JERR_FORMAT, "%zu of %zu files are not right", t.bad, t.bad + t.good);
	return rc;
}
