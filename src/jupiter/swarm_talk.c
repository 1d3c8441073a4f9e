/*
 * swarm_talk.c - jupiter swarm query and chat: what jroute and jsynth do, one question after another,
 * in one process, so that models stay open between questions.
 */
#include "swarm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/jfs.h"
#include "io/jio.h"

#define MAX_SOURCES 64

static struct swarm_talk opts = SWARM_TALK_INIT;

static const struct jopt table[] = {
	{ "experts", 'e', JOPT_STR, &opts.experts, "DIR",
		"folder of expert files, instead of the shipped ones and " OWN_EXPERTS },
	{ "config", 'c', JOPT_STR, &opts.config, "FILE", "swarm file: gives the options below" },
	{ "load", 'l', JOPT_LIST, &opts.load, "NAME", "ask this expert, without routing (may be repeated)" },
	{ "top-k", 'k', JOPT_INT, &opts.top_k, "N", "ask at most so many experts" },
	{ "strategy", 0, JOPT_STR, &opts.strategy, "NAME", "of routing, as in jroute",
		"keyword|trained|knn|ridge|embedding|hybrid|likelihood|judge" },
	{ "judge", 0, JOPT_STR, &opts.judge, "MODEL", "the model that chooses, with --strategy judge" },
	{ "min-score", 0, JOPT_DOUBLE, &opts.min_score, "X", "experts that score less are not asked" },
	{ "abstain", 0, JOPT_BOOL, &opts.abstain, NULL, "ask nobody where the question is foreign to all" },
	{ "mode", 0, JOPT_STR, &opts.mode, "MODE", "what is made of the answers, as in jsynth",
		"select|concatenate|weighted|rank|fuse|debate|mix|self" },
	{ "model", 'm', JOPT_STR, &opts.model, "MODEL", "the model that judges and merges" },
	{ "rounds", 0, JOPT_INT, &opts.rounds, "N", "rounds of a debate" },
	{ "threshold", 0, JOPT_DOUBLE, &opts.threshold, "X", "weighted leaves out answers that score less" },
	{ "max-length", 0, JOPT_SIZE, &opts.max_length, "SIZE", "weighted keeps at most so many bytes" },
	{ "attribution", 0, JOPT_BOOL, &opts.attribution, NULL, "head each part with its expert" },
	{ "max-tokens", 'n', JOPT_INT, &opts.max_tokens, "N", "most tokens of one answer, 0 = the expert's" },
	{ "passages", 0, JOPT_INT, &opts.passages, "N", "give each expert N passages of its knowledge" },
	{ "quote", 0, JOPT_BOOL, &opts.quote, NULL, "answer with passages alone; no model is asked" },
	{ "timeout", 0, JOPT_DOUBLE, &opts.timeout, "SEC", "how long a node may take" },
	{ "retries", 0, JOPT_INT, &opts.retries, "N", "how often a node is asked again" },
	{ "key-file", 0, JOPT_STR, &opts.key_file, "FILE", "the key for nodes is the first line of FILE" },
	{ "idle", 0, JOPT_DOUBLE, &opts.idle, "SEC", "chat closes models that were unused so long" },
	{ .type = JOPT_END }
};

struct talk {
	struct jcli *cli;
	struct jarena a;
	struct jexperts x;
	struct jrouter *router;
	struct jswarm *swarm;
	struct jout *out;
	struct jbuf key, history;
	struct jerr *e;			/* of writing */
	int rc;
	bool said;			/* some text was written, even if it is no answer */
	uint64_t questions, tokens;
	double seconds, cost;
	uint64_t *asked;		/* [x.n] */
};

static int
prepare(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	(void)arg, (void)argc, (void)argv;
	return opts.config ? swarm_config(cli, opts.config, e) : 0;
}

static int
on_text(void *arg, const char *p, size_t n)
{
	struct talk *t = arg;

	t->said = true;
	t->rc = jout_write(t->out, p, n, t->e);
	if (t->rc >= 0)
		t->rc = jout_flush(t->out, t->e);
	return t->rc < 0;
}

/* The router's own strategies; JROUTE_KEYWORD stands for those by models. */
static enum jroute_strategy
strategy(void)
{
	for (int s = 0; jroute_strategies[s]; s++)
		if (strcmp(opts.strategy, jroute_strategies[s]) == 0)
			return (enum jroute_strategy)s;
	return JROUTE_KEYWORD;
}

static bool
by_models(void)
{
	return opts.judge || strcmp(opts.strategy, "likelihood") == 0;
}

/* The router of the folder, where it was trained for these experts; keywords alone otherwise. */
static int
open_router(struct talk *t, struct jerr *e)
{
	const char *from[2], *path = NULL;
	size_t n = swarm_folders(&t->a, opts.experts, from);
	struct jerr why = { 0 };

	for (size_t i = 0; i < n; i++) {
		const char *file = jfs_join(&t->a, from[i], "router.safetensors");

		if (jfs_is_dir(from[i]) && jfs_exists(file))
			path = file;
	}
	if (path && strategy() != JROUTE_KEYWORD &&
	    jrouter_open(&t->router, &t->x, path, &why) == 0)
		return 0;
	if (why.code)
		jcli_warn(t->cli, "%s; only keywords count", why.msg);
	return jrouter_open(&t->router, &t->x, NULL, e);
}

static int
read_key(struct talk *t, struct jerr *e)
{
	int rc = opts.key_file ? jin_slurp(opts.key_file, &t->key, e) : 0;

	t->key.n = strcspn(t->key.p, "\r\n");
	t->key.p[t->key.n] = '\0';
	return rc;
}

static int
check(struct jerr *e)
{
	if (opts.top_k < 1 || opts.top_k > MAX_SOURCES || opts.max_tokens < 0 ||
	    opts.max_tokens > INT32_MAX || opts.rounds < 0 || opts.rounds > 100 || opts.passages < 0 ||
	    opts.passages > 100 || opts.retries < 0 || opts.retries > 100 || !(opts.timeout > 0) ||
	    opts.load.n > MAX_SOURCES)
		return jerr_set(e, JERR_ARG, "expected -k 1..64, -l at most 64 times, --rounds, --passages, "
			"--retries 0..100, --timeout above 0");
	if ((opts.judge != NULL) != (strcmp(opts.strategy, "judge") == 0))
		return jerr_set(e, JERR_ARG, "--strategy judge and --judge MODEL go together");
	return 0;
}

static int
open_all(struct talk *t, struct jerr *e)
{
	const struct jcommon *c = jcli_common(t->cli);
	struct jswarm_opts o = { .memory = c->memory, .jobs = (int)c->jobs, .seed = (uint64_t)c->seed,
		.max_tokens = (int)opts.max_tokens, .temperature = -1, .timeout_s = opts.timeout,
		.retries = (int)opts.retries, .passages = (int)opts.passages, .quote = opts.quote,
		.experts = &t->x };
	int rc = check(e);

	jarena_init(&t->a, 0);
	jbuf_init_max(&t->key, 1 << 16);
	jbuf_init(&t->history);
	if (rc == 0)
		rc = read_key(t, e);
	if (rc == 0)
		rc = swarm_experts(&t->x, &t->a, opts.experts, e);
	for (size_t i = 0; rc == 0 && i < opts.load.n; i++)
		if (!jexperts_find(&t->x, opts.load.v[i]))
			rc = jerr_set(e, JERR_ARG, "no expert '%s' (jupiter swarm list shows them)",
				opts.load.v[i]);
	if (rc == 0)
		rc = open_router(t, e);
	if (rc == 0 && !by_models())
		rc = jrouter_memory(t->router, strategy(), c->memory, &o.beside, e);
	if (rc < 0)
		return rc;
	t->asked = jmem_zalloc(t->x.n + 1, sizeof(*t->asked));
	o.key = t->key.n ? t->key.p : NULL;
	t->swarm = jswarm_new(&o);
	return jout_open(&t->out, c->output, e);
}

static int
close_all(struct talk *t, int rc, struct jerr *e)
{
	if (t->out && rc < 0)
		jout_abort(t->out);
	else if (t->out)
		rc = jout_commit(t->out, e);
	jswarm_free(t->swarm);
	jrouter_close(t->router);
	jexperts_release(&t->x);
	jmem_free(t->asked);
	jbuf_release(&t->key);
	jbuf_release(&t->history);
	jarena_release(&t->a);
	return rc;
}

/* Whom to ask: those named, else those that the router chooses. */
static int
choose(struct talk *t, const char *question, struct jsynth_source *src, size_t *n, struct jerr *e)
{
	struct jroute_opts o = { .strategy = strategy(), .top_k = (int)opts.top_k,
		.min_score = opts.min_score, .abstain = opts.abstain };
	struct jroute_result res;
	int rc;

	for (*n = 0; *n < opts.load.n; ++*n)
		src[*n] = (struct jsynth_source){ .expert = opts.load.v[*n], .score = 1,
			.why = "named by --load" };
	if (*n > 0)
		return 0;
	jroute_result_init(&res);
	rc = by_models() ? jswarm_route(t->swarm, t->router, &(struct jswarm_judging){ opts.judge, question,
		o.top_k }, &o, &res, e) : jrouter_route(t->router, question, strlen(question), &o, &res, e);
	for (size_t i = 0; rc == 0 && i < res.chosen; i++) {
		size_t from = res.why_at[i], end = res.why_at[i + 1] - 1;

		src[i] = (struct jsynth_source){ .expert = t->x.v[res.v[i].expert].name,
			.score = res.v[i].score, .why = jarena_printf(&t->a, "score %.2f: %.*s",
			res.v[i].score, (int)(end - from), res.why.p + from) };
		*n = i + 1;
	}
	jroute_result_release(&res);
	return rc;
}

static void
remember(struct talk *t, const char *question, const struct jsynth_result *res)
{
	t->questions++;
	t->tokens += res->tokens;
	t->seconds += res->seconds;
	t->cost += res->cost;
	for (size_t i = 0; i < res->n; i++)
		for (size_t k = 0; k < t->x.n; k++)
			t->asked[k] += strcmp(t->x.v[k].name, res->names[i]) == 0;
	if (res->text.n == 0)
		return;
	jbuf_printf(&t->history, "%s{\"role\":\"user\",\"content\":", t->history.n ? "," : "");
	jjson_str(&t->history, question, strlen(question));
	jbuf_adds(&t->history, "},{\"role\":\"assistant\",\"content\":");
	jjson_str(&t->history, res->text.p, res->text.n);
	jbuf_addc(&t->history, '}');
}

/* One question; *answered: somebody did. */
static int
answer(struct talk *t, const char *question, bool *answered, struct jerr *e)
{
	struct jsynth_opts o = JSYNTH_OPTS_INIT;
	struct jsynth_source src[MAX_SOURCES];
	struct jsynth_question q = { .question = question, .history = t->history.p, .sources = src,
		.on_text = on_text, .arg = t };
	struct jsynth_result res;
	struct jbuf about;
	int rc;

	for (o.mode = 0; strcmp(jsynth_modes[o.mode], opts.mode) != 0;)
		o.mode++;
	o.model = opts.model;
	o.rounds = (int)opts.rounds;
	o.weighted = (struct jsynth_weighted){ (size_t)opts.max_length, opts.threshold, opts.attribution };
	rc = choose(t, question, src, &q.n, e);
	if (rc < 0)
		return rc;
	jsynth_result_init(&res);
	jbuf_init(&about);
	t->said = false;
	rc = jsynth_answer(t->swarm, &q, &o, &res, e);
	if (t->rc < 0)
		rc = t->rc;
	*answered = res.text.n > 0;
	if (rc == 0) {
		remember(t, question, &res);
		jbuf_adds(&about, t->said ? "\n\n" : "");
		if (q.n == 0)
			jbuf_adds(&about, "no expert of this swarm knows about that (--no-abstain asks the "
				"nearest, -l NAME a certain one)\n");
		else
			jsynth_tell(&res, &q, &about);
		rc = jout_write(t->out, about.p, about.n, e);
	}
	jbuf_release(&about);
	jsynth_result_release(&res);
	return rc;
}

static int
query_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct talk t = { .cli = cli, .e = e };
	struct jbuf question;
	bool answered = false;
	int rc;

	(void)arg;
	if (argc == 0)
		return jerr_set(e, JERR_ARG, "give a question: jupiter swarm query \"TEXT\"");
	jbuf_init(&question);
	for (int i = 0; i < argc; i++)
		jbuf_printf(&question, "%s%s", i ? " " : "", argv[i]);
	rc = open_all(&t, e);
	if (rc == 0)
		rc = answer(&t, question.p, &answered, e);
	rc = close_all(&t, rc, e);
	jbuf_release(&question);
	if (rc == 0 && !answered)
		jcli_unmet(cli, "nobody answered");
	return rc;
}

static int
show_stats(struct talk *t, struct jerr *e)
{
	struct jswarm_stats s;
	struct jbuf b;
	char bytes[16];
	int rc;

	jswarm_stats(t->swarm, &s);
	jbuf_init(&b);
	jbuf_printf(&b, "%llu questions, %llu tokens, %.2f s, cost %g\n",
		(unsigned long long)t->questions, (unsigned long long)t->tokens, t->seconds, t->cost);
	jbuf_printf(&b, "%zu models open, %s counted; %llu opened, %llu closed\n", s.open,
		jstr_human_bytes(bytes, (double)s.bytes), (unsigned long long)s.opened,
		(unsigned long long)s.closed);
	for (size_t i = 0; i < t->x.n; i++)
		if (t->asked[i])
			jbuf_printf(&b, "%s: asked %llu times\n", t->x.v[i].name,
				(unsigned long long)t->asked[i]);
	rc = jout_write(t->out, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
say(struct talk *t, const char *text, struct jerr *e)
{
	int rc = jout_write(t->out, text, strlen(text), e);

	return rc < 0 ? rc : jout_flush(t->out, e);
}

/* 1: go on, 0: the end. */
static int
one_line(struct talk *t, const char *line, struct jerr *e)
{
	const char *word = line[0] == '/' ? line + 1 : line;
	bool answered;
	int rc = 0;

	if (strcmp(word, "quit") == 0)
		return 0;
	jswarm_rest(t->swarm, opts.idle);
	if (strcmp(word, "stats") == 0)
		rc = show_stats(t, e);
	else if (strcmp(line, "/help") == 0)
		rc = say(t, "stats     what was asked so far\n/reset    forget what was said\n"
			"quit      end (or the end of input)\n", e);
	else if (strcmp(line, "/reset") == 0)
		jbuf_reset(&t->history);
	else if (line[0] == '/' && !strchr(line, ' '))
		jcli_warn(t->cli, "%s: no such command (/help)", line);
	else
		rc = answer(t, line, &answered, e);
	return rc < 0 ? rc : 1;
}

static int
converse(struct talk *t, struct jerr *e)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct jin *in;
	char *line;
	size_t n;
	int rc = jin_open(&in, "-", e);

	if (rc < 0)
		return rc;
	do {
		rc = terminal ? say(t, "> ", e) : 0;
		if (rc < 0 || (rc = jin_line(in, &line, &n, e)) <= 0)
			break;
		if (rc == 1 && strspn(line, " \t\r") < n)
			rc = one_line(t, line, e);
	} while (rc > 0);
	jin_close(in);
	if (rc >= 0 && terminal)
		rc = say(t, "\n", e);
	return rc;
}

static int
chat_run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct talk t = { .cli = cli, .e = e };
	int rc;

	(void)arg, (void)argv;
	if (argc > 0)
		return jerr_set(e, JERR_ARG, "swarm chat takes no operands; questions are lines of its input");
	rc = open_all(&t, e);
	if (rc == 0)
		rc = converse(&t, e);
	return close_all(&t, rc < 0 ? rc : 0, e);
}

const struct jverb swarm_chat_verb = { "swarm chat", "[options]",
	"talk to the experts; quit and stats are commands", table, chat_run, NULL, prepare };
const struct jverb swarm_query_verb = { "swarm query", "TEXT [options]", "ask the experts one question",
	table, query_run, NULL, prepare };
