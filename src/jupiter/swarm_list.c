/*
 * swarm_list.c - jupiter swarm list and status: which experts there are, and which can answer.
 */
#include "swarm.h"

#include <stdio.h>
#include <string.h>

#include "base/jsys.h"
#include "io/jfs.h"

static const char *folder;

static const struct jopt table[] = {
	{ "experts", 'e', JOPT_STR, &folder, "DIR", "folder of expert files, instead of the shipped ones and "
		OWN_EXPERTS },
	{ .type = JOPT_END }
};

size_t
swarm_folders(struct jarena *a, const char *dir, const char *out[2])
{
	size_t n = 0;

	if (dir) {
		out[n++] = dir;
		return n;
	}
	out[n++] = shipped(a, "experts");
	if (jfs_is_dir(OWN_EXPERTS))
		out[n++] = OWN_EXPERTS;
	return n;
}

int
swarm_experts(struct jexperts *x, struct jarena *a, const char *dir, struct jerr *e)
{
	const char *from[2];
	size_t n = swarm_folders(a, dir, from);
	int rc = jexperts_load(x, from[0], e);

	if (rc == 0 && n > 1) {
		rc = jexperts_add(x, from[1], e);
		if (rc < 0)
			jexperts_release(x);
	}
	return rc;
}

static int
list_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *from[2], *v[] = { NULL, "list", "-q", "--experts", NULL, NULL };
	struct jarena a;
	size_t n;
	int rc = 0;

	(void)cli, (void)arg, (void)argv;
	if (argc > 0)
		return jerr_set(e, JERR_ARG, "swarm list takes no operands");
	jarena_init(&a, 0);
	v[0] = program(&a, "jroute");
	n = swarm_folders(&a, folder, from);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		v[4] = from[i];
		if (n > 1) {
			printf("%s%s:\n", i ? "\n" : "", from[i]);
			fflush(stdout);
		}
		rc = run_program(v, e);
	}
	jarena_release(&a);
	return rc;
}

struct tally {
	size_t ready, absent, remote;
};

static void
show_expert(const struct jexpert *x, struct tally *t)
{
	struct jbuf why;

	jbuf_init(&why);
	printf("%-22s ", x->name);
	if (x->node) {
		printf("on a node    %s\n", x->node);
		t->remote++;
	} else if (!jswarm_absent(x, &why)) {
		printf("ready        %s%s%s\n", jexpert_model(x), x->adapter ? " + " : "",
			x->adapter ? x->adapter : "");
		t->ready++;
	} else {
		printf("not ready    %s\n", why.p);
		t->absent++;
	}
	jbuf_release(&why);
}

static void
show_models(struct jarena *a, const char *dir)
{
	struct jerr ignored = { 0 };
	char **names;
	size_t n = 0;

	if (!jfs_is_dir(dir) || jfs_list(dir, a, &names, &n, &ignored) < 0 || n == 0)
		return;
	printf("%s:", dir);
	for (size_t i = 0; i < n; i++)
		printf(" %s", names[i]);
	printf("\n");
}

static void
show_machine(struct jcli *cli)
{
	char memory[16];
	unsigned f = jsys_features();

	printf("computes on %s, %lld threads%s%s%s%s%s%s; up to %s of memory (-M)\n", jsys_cpu_name(),
		(long long)jcli_common(cli)->jobs, f & JCPU_AVX2 ? ", AVX2" : "",
		f & JCPU_AVX512 ? ", AVX-512" : "", f & JCPU_AVX512_BF16 ? ", BF16" : "",
		f & JCPU_AVX512_VNNI ? ", VNNI" : "", f & JCPU_AMX_BF16 ? ", AMX" : "",
		f & JCPU_NEON ? ", NEON" : "",
		jstr_human_bytes(memory, (double)jcli_common(cli)->memory));
}

static int
status_of_swarm(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct tally t = { 0 };
	struct jexperts x;
	struct jarena a;
	int rc;

	(void)arg, (void)argv;
	if (argc > 0)
		return jerr_set(e, JERR_ARG, "swarm status takes no operands");
	jarena_init(&a, 0);
	rc = swarm_experts(&x, &a, folder, e);
	if (rc == 0) {
		for (size_t i = 0; i < x.n; i++)
			show_expert(&x.v[i], &t);
		printf("\n%zu experts: %zu ready, %zu on nodes, %zu not ready\n", x.n, t.ready, t.remote,
			t.absent);
		show_models(&a, "models/experts");
		show_machine(cli);
		jexperts_release(&x);
	}
	jarena_release(&a);
	return rc;
}

const struct jverb swarm_list_verb = { "swarm list", "[--experts DIR]",
	"show the experts, their domains and keywords", table, list_run, NULL };
const struct jverb swarm_status_verb = { "swarm status", "[--experts DIR]",
	"show which experts can answer", table, status_of_swarm, NULL };
