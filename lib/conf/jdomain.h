/*
 * jdomain.h - the domain file: what an expert is made from.
 *
 *	domain:
 *	  name: python
 *	  keywords: [python, module]
 *	sources:
 *	  - deb:python3.11-doc
 *	  - source: git:https://example.org/x.git
 *	    kind: code
 *	    include: ["*.py"]
 *	training: { preset: tiny, steps: 400 }
 *
 * The sections stand beside `domain:` or inside it; a file without `domain:` is read as if its top
 * level were that section.  Every key is checked with file and line, and every key that is
 * accepted is in this struct; what Jupiter cannot collect from yet is refused unless it is empty.
 *
 * Everything points into the domain's own arena and lives until jdomain_release().
 */
#ifndef JDOMAIN_H
#define JDOMAIN_H

#include "base/jerr.h"
#include "base/jmem.h"
#include "conf/jschema.h"
#include "conf/jval.h"

struct jstrings {
	const char **v;
	size_t n;
};

/* deb:PACKAGE, git:URL, http(s)://..., a file or a folder; `documentation` and `websites` too. */
struct jdomain_source {
	const char *source;
	const char *kind;	/* "docs" or "code" */
	const char *licence;	/* NULL = as found */
	struct jstrings include, exclude;	/* globs; none = all, none */
	int line;
};

struct jdomain_template {
	const char *type;	/* qa tutorial code debug explanation conversation */
	const char *prompt, *system_prompt;	/* with {topic} or {task}; system_prompt may be NULL */
	struct jstrings topics, tasks;
	const struct jval *examples;		/* a list, or NULL */
	double weight;				/* template_weights.TYPE; 1 if not given */
	int line;
};

/* Numbers are 0 and texts NULL where the file says nothing: then the preset or jtrain decides. */
struct jdomain_training {
	const char *preset, *schedule, *optimizer;
	int64_t steps, batch, seq, warmup, accumulate, seed;
	int64_t vocab_size;
	double lr, weight_decay, clip;
};

/* Shares of the training mixture; they sum to 1 within 0.01. */
struct jdomain_mix {
	bool given;
	double real_docs, real_code, synthetic_qa, synthetic_tutorials, synthetic_debug;
};

struct jdomain {
	struct jarena arena;
	const char *file;
	const struct jval *root;	/* the checked tree, sections flattened */

	const char *name, *description, *language;
	struct jstrings keywords, negative_keywords, questions;
	struct jdomain_source *sources;
	size_t n_sources;
	struct jdomain_template *templates;
	size_t n_templates;
	struct jdomain_training training, finetune;	/* finetune: no preset, no vocab_size */
	struct jdomain_mix mix;
	const char *base;	/* model to fine-tune: a folder or a GGUF file; NULL = train from scratch */
	const char *mode;	/* "lora" (an adapter), "full" (all weights) or "scratch" */
	const char *lora;	/* the adapter, as jtrain --lora says it */
	struct jstrings benchmarks;
	const char *custom_eval_file;
	double min_accuracy, min_coherence;
};

extern const struct jschema jdomain_schema;

/* On failure nothing is kept. */
int jdomain_load(struct jdomain *d, const char *path, struct jerr *e);
int jdomain_parse(struct jdomain *d, const char *text, size_t n, const char *name, struct jerr *e);
void jdomain_release(struct jdomain *d);

#endif
