/* The schema check, the domain file and the cluster file. */
#include "t.h"

#include "conf/jcluster.h"
#include "conf/jdomain.h"

static void
refused(const char *yaml, const char *message)
{
	struct jerr e = { 0 };
	struct jdomain d;

	ok(jdomain_parse(&d, yaml, strlen(yaml), "d.yaml", &e) < 0);
	eq_str(e.msg, message);
}

static void
test_refused(void)
{
	refused("", "d.yaml:1: expected keys and values");
	refused("domain:\n  keywords: [a]\n", "d.yaml:1: 'name' is missing in domain");
	refused("name: x\nkeywrds: [a]\n", "d.yaml:2: unknown key 'keywrds' in domain (did you mean "
		"'keywords'?)");
	refused("name: x\ntraining:\n  stepz: 3\n", "d.yaml:3: unknown key 'stepz' in training (did "
		"you mean 'steps'?)");
	refused("name: x\ntraining:\n  - 3\n", "d.yaml:2: training: expected an object, found a list");
	refused("name: x\ntraining: {lr: fast}\n",
		"d.yaml:2: training.lr: expected a number, found \"fast\"");
	refused("name: x\ntraining: {steps: 1.5}\n",
		"d.yaml:2: training.steps: expected a whole number, found 1.5");
	refused("name: x\ntraining: {vocab_size: 3}\n",
		"d.yaml:2: training.vocab_size: expected 256 to 1048576, found 3");
	refused("name: x\nkeywords: python\n", "d.yaml:2: keywords: expected a list, found \"python\"");
	refused("name: 3\n",
		"d.yaml:1: name: expected a text (in quotes if it looks like something else), found 3");
	refused("name: a/b\n", "d.yaml:1: name: expected letters, digits, - and _, found 'a/b'");
	refused("name: ''\n", "d.yaml:1: name: expected a text that is not empty, found \"\"");
	refused("name: x\nsources: [{source: a, kind: doc}]\n",
		"d.yaml:2: sources[].kind: expected one of docs|code, found \"doc\"");
	refused("name: x\nsources: [{kind: code}]\n", "d.yaml:2: 'source' is missing in sources");
	refused("name: x\nmix_ratio: {real_docs: 0.5}\n",
		"d.yaml:2: mix_ratio: expected a sum of 1, found 1.2");
	refused("name: x\ndata_sources:\n  forums: [a]\n",
		"d.yaml:3: 'forums' sources are not supported yet");
	refused("name: x\ndata_sources:\n  youtube:\n    channels: [a]\n",
		"d.yaml:3: 'youtube' sources are not supported yet");
	refused("name: x\ndata_sources:\n  huggingface_datasets: [a]\n",
		"d.yaml:3: 'huggingface_datasets' sources are not supported yet");
	refused("name: x\ndata_sources:\n  github: {repos: [a/b]}\n",
		"d.yaml:3: 'github' sources are not supported yet");
	refused("domain: {name: x, training: {}}\ntraining: {}\n",
		"d.yaml:2: 'training' is there twice, in domain and beside it");
	refused("name: x\ngeneration: {template_weights: {qa: 1}}\n",
		"d.yaml:2: template_weights: no template has the type 'qa'");
}

static const char full[] =
	"domain:\n"
	"  name: unreal\n"
	"  description: An engine\n"
	"  language: es\n"
	"  keywords: [a, b]\n"
	"  negative_keywords: [c]\n"
	"  data_sources:\n"
	"    documentation: ['https://example.org/docs']\n"
	"    github: {repos: [], file_types: [.py], exclude_patterns: ['*/test/*']}\n"
	"    websites: [{source: 'https://example.org', licence: CC0-1.0}]\n"
	"    forums: []\n"
	"    youtube: {channels: []}\n"
	"    huggingface_datasets: []\n"
	"  generation:\n"
	"    templates:\n"
	"      - type: qa\n"
	"        prompt: 'Ask about {topic}'\n"
	"        topics: [x, y]\n"
	"        examples: [{question: q, answer: a}]\n"
	"      - {type: debug, prompt: 'Break {task}', tasks: [z]}\n"
	"    template_weights: {qa: 0.35}\n"
	"  evaluation: {benchmarks: [mmlu], min_accuracy: 0.5}\n"
	"  mix_ratio: {real_docs: .25, real_code: .25, synthetic_qa: .20, synthetic_tutorials: .20,\n"
	"    synthetic_debug: .10}\n"
	"sources:\n"
	"  - deb:python3.11-doc\n"
	"  - {source: 'git:https://example.org/x.git', kind: code, include: ['*.c'], exclude: [t/*]}\n"
	"training: {preset: tiny, steps: 400, lr: 3.0e-4}\n"
	"questions: [What?]\n";

static void
test_full(void)
{
	struct jerr e = { 0 };
	struct jdomain d;

	if (!ok(jdomain_parse(&d, full, strlen(full), "d.yaml", &e) == 0)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_str(d.name, "unreal");
	eq_str(d.language, "es");
	eq_int(d.keywords.n, 2);
	eq_int(d.n_sources, 4);
	eq_str(d.sources[0].source, "deb:python3.11-doc");
	eq_str(d.sources[0].kind, "docs");
	eq_str(d.sources[1].kind, "code");
	eq_str(d.sources[1].include.v[0], "*.c");
	eq_str(d.sources[1].exclude.v[0], "t/*");
	eq_int(d.sources[1].line, 27);
	eq_str(d.sources[2].source, "https://example.org/docs");
	eq_str(d.sources[3].licence, "CC0-1.0");
	eq_int(d.n_templates, 2);
	eq_str(d.templates[0].topics.v[1], "y");
	near(d.templates[0].weight, 0.35, 0);
	near(d.templates[1].weight, 1, 0);
	eq_int(d.templates[0].examples->u.a.n, 1);
	eq_str(d.benchmarks.v[0], "mmlu");
	near(d.min_accuracy, 0.5, 0);
	near(d.min_coherence, 0.8, 0);
	ok(d.mix.given);
	near(d.mix.synthetic_tutorials, 0.2, 0);
	eq_int(d.training.steps, 400);
	near(d.training.lr, 3e-4, 0);
	eq_int(d.training.batch, 0);
	eq_str(d.questions.v[0], "What?");
	jdomain_release(&d);
}

/* The template must be a file that the check takes once the required name is there. */
static void
test_template(void)
{
	struct jerr e = { 0 };
	struct jdomain d;
	struct jbuf b;
	char *name;

	jbuf_init(&b);
	jschema_template(&jdomain_schema, &b);
	name = strstr(b.p, "name: \n");
	if (ok(name != NULL)) {
		jbuf_addc(&b, ' ');
		name = strstr(b.p, "name: \n");
		memmove(name + 7, name + 6, strlen(name + 6));
		name[6] = 'x';
		ok(jdomain_parse(&d, b.p, b.n, "t", &e) == 0);
		if (e.code)
			printf("# %s\n", e.msg);
		jdomain_release(&d);
	}
	jbuf_release(&b);
}

static int
cluster(const char *yaml, const char *expected)
{
	struct jerr e = { 0 };
	struct jcluster c;
	struct jbuf b;
	int n;

	jbuf_init(&b);
	if (jcluster_parse(&c, yaml, strlen(yaml), "c.yaml", &e) < 0) {
		n = -1;
		jbuf_adds(&b, e.msg);
	} else {
		n = jcluster_check(&c, &b);
		jcluster_release(&c);
	}
	eq_str(b.p, expected);
	jbuf_release(&b);
	return n;
}

static void
test_cluster(void)
{
	eq_int(cluster("nodes:\n- {host: a, role: hybrid}\n", ""), 0);
	eq_int(cluster("cluster:\n  nodes:\n  - {host: a, role: hybrid}\n", ""), 0);
	eq_int(cluster("backend: mpi\n", "c.yaml:1: no nodes\n"), 1);
	eq_int(cluster("nodes:\n- {host: a, role: evaluator}\n",
		"c.yaml:1: no node is a generator or hybrid\nc.yaml:1: no node is a trainer or hybrid\n"), 2);
	eq_int(cluster("nodes:\n- {host: a, role: hybrid, memory_gb: 7.5}\n- {host: a, memory_gb: 8}\n",
		"c.yaml:1: the trainers have 15.5 GB in all, expected 16 or more\n"
		"c.yaml:3: the host 'a' is there twice, first in line 2\n"), 2);
	eq_int(cluster("nodes:\n- {role: trainer}\n", "c.yaml:2: 'host' is missing in nodes"), -1);
	eq_int(cluster("backend: carrier_pigeon\n", "c.yaml:1: backend: expected one of "
		"mpi|ring|jaccl|torch, found \"carrier_pigeon\""), -1);
	eq_int(cluster("nodes:\n- host: a\n  ssh_port: 0\n",
		"c.yaml:3: nodes[].ssh_port: expected 1 to 65535, found 0"), -1);
}

int
main(void)
{
	test_refused();
	test_full();
	test_template();
	test_cluster();
	return t_done();
}
