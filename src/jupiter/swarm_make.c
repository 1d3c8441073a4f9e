/*
 * swarm_make.c - jupiter swarm create-expert and train.
 */
#include "swarm.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "io/jproc.h"

static struct {
	const char *domain;
} create;
static struct {
	const char *expert, *domain, *experts, *model;
	int64_t epochs;
} train;

static const struct jopt create_table[] = {
	{ "domain", 'd', JOPT_STR, &create.domain, "NAME", "what it knows, as a path: programming/python" },
	{ .type = JOPT_END }
};
static const struct jopt train_table[] = {
	{ "expert", 'e', JOPT_STR, &train.expert, "NAME", "the expert to be trained; without it: all of a "
		"swarm" },
	{ "domain-config", 'd', JOPT_STR, &train.domain, "FILE", "its domain: a name, or a YAML file" },
	{ "experts", 0, JOPT_STR, &train.experts, "DIR", "folder of expert files" },
	{ "epochs", 0, JOPT_INT, &train.epochs, "N", "rounds over the documents, 0 = as the domain says" },
	{ "model", 'p', JOPT_STR, &train.model, "NAME",
		"shape of the model, instead of the domain's; --preset NAME is the same" },
	{ .type = JOPT_END }
};

/* The last part of a domain and the expert's name, as keywords. */
static void
put_keywords(struct jbuf *b, const char *name, const char *domain)
{
	const char *last = strrchr(domain, '/');
	struct jbuf word;

	jbuf_init(&word);
	jbuf_adds(&word, last && last[1] ? last + 1 : domain);
	jbuf_adds(b, "keywords: [");
	jjson_str(b, word.p, word.n);
	if (strcmp(word.p, name) != 0) {
		jbuf_adds(b, ", ");
		jjson_str(b, name, strlen(name));
	}
	jbuf_adds(b, "]\n");
	jbuf_release(&word);
}

static void
put_expert(struct jbuf *b, const char *name, const char *domain)
{
	jbuf_printf(b, "# An expert; see jexpert(5).  jupiter swarm train --expert %s -d DOMAIN trains it.\n"
		"name: %s\ndomain: ", name, name);
	jjson_str(b, domain, strlen(domain));
	jbuf_adds(b, "\ndescription: ");
	jbuf_addc(b, '"');
	jbuf_printf(b, "Knows %s\"\n", domain);
	put_keywords(b, name, domain);
	jbuf_printf(b, "capabilities: [\"answer questions about %s\"]\n"
		"# Questions that belong to it, for the router.\nexamples: []\n"
		"model_path: %s/%s/expert\n"
		"# Its documents, for the router and to quote from.\nknowledge: [%s/%s/clean.jsonl]\n"
		"max_tokens: 1024\ntemperature: 0.7\ntop_p: 0.9\ncost: 1\n", domain, work_folder(), name,
		work_folder(), name);
}

static int
check_words(const char *name, const char *domain, struct jerr *e)
{
	if (!domain)
		return jerr_set(e, JERR_ARG, "say what it knows: --domain NAME");
	if (!*domain || strpbrk(domain, "\"\\\n\r\t"))
		return jerr_set(e, JERR_ARG, "--domain: expected a plain path such as programming/python");
	if (!*name || *name == '.' || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") != strlen(name))
		return jerr_set(e, JERR_ARG, "%s: expected letters, digits, -, _ and . in the name", name);
	return 0;
}

static int
create_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *dir = jcli_common(cli)->output, *path;
	struct jexperts x = { .n = 0 };
	struct jarena a;
	struct jbuf b;
	int rc;

	(void)arg;
	if (argc != 1)
		return jerr_set(e, JERR_ARG, "give one name: jupiter swarm create-expert NAME --domain NAME");
	rc = check_words(argv[0], create.domain, e);
	if (rc < 0)
		return rc;
	if (strcmp(dir, "-") == 0)
		dir = OWN_EXPERTS;
	jarena_init(&a, 0);
	jarena_init(&x.arena, 0);
	jbuf_init(&b);
	path = jarena_printf(&a, "%s/%s.yaml", dir, argv[0]);
	put_expert(&b, argv[0], create.domain);
	if (jfs_exists(path))
		rc = jerr_set(e, JERR_IO, "%s exists already; it is not overwritten", path);
	if (rc == 0)
		rc = jexpert_parse(&x, b.p, b.n, path, e);
	if (rc == 0)
		rc = jfs_mkdirs(dir, e);
	if (rc == 0)
		rc = jout_put(path, b.p, b.n, e);
	if (rc == 0)
		printf("%s\nedit it, then: jupiter swarm train --expert %s --domain-config FILE\n", path,
			argv[0]);
	jbuf_release(&b);
	jarena_release(&x.arena);
	jarena_release(&a);
	return rc;
}

/* PRETRAIN=... of the domain with what the command line says behind it; NULL: as it is. */
static int
override(struct jarena *a, const char *domain, char **out, struct jerr *e)
{
	const char *v[] = { program(a, "jupiter"), "config", "-q", "--make", domain, NULL }, *line, *end;
	struct jbuf vars;
	int status = 0, rc;

	*out = NULL;
	if (!train.model && train.epochs == 0)
		return 0;
	jbuf_init(&vars);
	rc = jproc_run((char *const *)v, &(struct jproc_opts){ .out = &vars }, &status, e);
	line = rc == 0 ? strstr(vars.p, "\nPRETRAIN := ") : NULL;
	if (rc == 0 && (status != 0 || !line))
		rc = jerr_set(e, JERR_FORMAT, "%s: jupiter config does not read it", domain);
	if (rc == 0) {
		line += strlen("\nPRETRAIN := ");
		end = strchr(line, '\n');
		*out = jarena_printf(a, "PRETRAIN=%.*s", (int)(end ? end - line : (ptrdiff_t)strlen(line)),
			line);
		if (train.model)
			*out = jarena_printf(a, "%s --model %s", *out, train.model);
		if (train.epochs > 0)
			*out = jarena_printf(a, "%s --steps -1 --epochs %lld", *out, (long long)train.epochs);
	}
	jbuf_release(&vars);
	return rc;
}

/* Where the main job works: -o DIR/NAME, else so that the expert's model_path comes to be. */
static char *
work_of(struct jarena *a, struct jcli *cli, const struct jexpert *x)
{
	const char *out = jcli_common(cli)->output;
	size_t n = x->model_path ? strlen(x->model_path) : 0;

	if (strcmp(out, "-") != 0)
		return jarena_printf(a, "%s/%s", out, x->name);
	if (n > 7 && strcmp(x->model_path + n - 7, "/expert") == 0)
		return jarena_strndup(a, x->model_path, n - 7);
	return jarena_printf(a, "%s/%s", work_folder(), x->name);
}

static int
check_make(const char *word, struct jerr *e)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_./+,@-", *p))
			return jerr_set(e, JERR_ARG, "%s: make cannot work with '%c' in a name", word, *p);
	return 0;
}

static int
train_expert(struct jcli *cli, struct jarena *a, const struct jexpert *x, const char *domain,
	struct jerr *e)
{
	char *work = work_of(a, cli, x), *pretrain = NULL;
	const char *v[] = { "make", "-s", "-f", shipped(a, "pipelines/domain.mk"),
		jarena_printf(a, "DOMAIN=%s", domain), jarena_printf(a, "WORK=%s", work),
		jarena_printf(a, "J=%lld", (long long)jcli_common(cli)->jobs), NULL, NULL };
	char *made = jarena_printf(a, "%s/expert", work);
	int rc;

	rc = check_make(work, e);
	if (rc == 0)
		rc = override(a, domain, &pretrain, e);
	if (rc < 0)
		return rc;
	v[7] = pretrain;
	jcli_info(cli, "running: make -f %s %s %s%s%s", v[3], v[4], v[5], pretrain ? " " : "",
		pretrain ? pretrain : "");
	rc = run_program(v, e);
	if (rc == 0)
		printf("%s: trained, %s\n", x->name, made);
	if (rc == 0 && (!x->model_path || strcmp(x->model_path, made) != 0))
		printf("its file does not name it yet: put \"model_path: %s\" into %s\n", made, x->file);
	return rc;
}

/* pipelines/swarm.mk: one starting model, an expert for each domain, a generalist, and who is better. */
static int
train_swarm(struct jcli *cli, int argc, char **argv, struct jerr *e)
{
	const char *out = jcli_common(cli)->output, *v[12] = { "make", "-s", "-f" };
	struct jarena a;
	struct jbuf domains, told;
	int n = 3, rc = 0;

	jarena_init(&a, 0);
	jbuf_init(&domains);
	jbuf_init(&told);
	if (strcmp(out, "-") == 0)
		out = jarena_printf(&a, "%s/swarm", work_folder());
	for (int i = 0; rc == 0 && i < argc; i++) {
		rc = check_make(argv[i], e);
		jbuf_printf(&domains, "%s%s", i ? " " : "", argv[i]);
	}
	if (rc == 0)
		rc = check_make(out, e);
	v[n++] = shipped(&a, "pipelines/swarm.mk");
	v[n++] = jarena_printf(&a, "WORK=%s", out);
	v[n++] = jarena_printf(&a, "J=%lld", (long long)jcli_common(cli)->jobs);
	v[n++] = jarena_printf(&a, "SEEDS=%lld", (long long)jcli_common(cli)->seed);
	if (argc > 0)
		v[n++] = jarena_printf(&a, "DOMAINS=%s", domains.p);
	if (train.experts)
		v[n++] = jarena_printf(&a, "EXPERT_FILES=%s", train.experts);
	if (train.model)
		v[n++] = jarena_printf(&a, "PRESET=%s", train.model);
	v[n] = NULL;
	for (int i = 0; i < n; i++)
		jbuf_printf(&told, strchr(v[i], ' ') ? " '%s'" : " %s", v[i]);
	if (rc == 0) {
		jcli_info(cli, "running:%s", told.p);
		rc = run_program(v, e);
	}
	if (rc == 0)
		printf("experts in %s/experts, their files and router in %s/pool: jupiter swarm query -e %s/pool "
			"\"TEXT\"\n", out, out, out);
	jbuf_release(&told);
	jbuf_release(&domains);
	jarena_release(&a);
	return rc;
}

static int
train_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const struct jexpert *x;
	struct jexperts set;
	struct jarena a;
	char *domain;
	int rc;

	(void)arg;
	if (!train.expert && !train.domain && train.epochs == 0)
		return train_swarm(cli, argc, argv, e);
	if (argc > 0 || !train.expert || !train.domain)
		return jerr_set(e, JERR_ARG, "say who and from what: jupiter swarm train --expert NAME "
			"--domain-config FILE, or swarm train DOMAIN ... for a whole swarm");
	if (train.epochs < 0)
		return jerr_set(e, JERR_ARG, "--epochs: expected 0 or more");
	jarena_init(&a, 0);
	rc = find_domain(&a, train.domain, NULL, &domain, e);
	if (rc == 0)
		rc = swarm_experts(&set, &a, train.experts, e);
	if (rc == 0) {
		x = jexperts_find(&set, train.expert);
		if (!x)
			rc = jerr_set(e, JERR_ARG, "no expert '%s': jupiter swarm create-expert %s makes its "
				"file", train.expert, train.expert);
		else
			rc = train_expert(cli, &a, x, domain, e);
		jexperts_release(&set);
	}
	jarena_release(&a);
	return rc;
}

const struct jverb swarm_create_verb = { "swarm create-expert", "NAME --domain NAME",
	"write an expert file", create_table, create_run, NULL };
const struct jverb swarm_train_verb = { "swarm train",
	"--expert NAME --domain-config FILE | [DOMAIN ...]",
	"train an expert: the main job for its domain; or a whole swarm", train_table, train_run, NULL };
