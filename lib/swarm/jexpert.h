/*
 * jexpert.h - expert files: who can answer what, and where that one runs.
 *
 *	name: python-core
 *	domain: programming/python
 *	description: The language and its standard library
 *	model_path: work/python/expert        a model of its own, or
 *	base_model: work/base                 a shared one ...
 *	adapter: work/python-core/adapter     ... with an adapter
 *	node: http://127.0.0.1:8081/v1        or an OpenAI-style endpoint elsewhere
 *	keywords: [python, dict, decorator]
 *	examples: ["What does zip() return?"]
 *	knowledge: work/python/clean.jsonl    its corpus: to route by, and to quote from
 *	cost: 1.5                             of one answer, in units of the user's choice
 *
 * Relative paths are resolved from the working directory first, else from the folder of the file.
 * A folder of experts is read with everything below it, in the order of names; two experts of one
 * name are an error that names both files.  All strings live in the arena of the set.
 */
#ifndef JEXPERT_H
#define JEXPERT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "conf/jschema.h"

struct jexpert {
	const char *name, *domain, *description;
	const char *model_path;		/* NULL: base_model, or a node */
	const char *base_model;		/* NULL if not given */
	const char *adapter;		/* NULL: the base as it is */
	const char *node;		/* endpoint, or NULL: here */
	const char *system_prompt;	/* made of the description where the file has none */
	bool own_prompt;		/* the file has one */
	const char *const *keywords, *const *capabilities, *const *examples, *const *knowledge;
	size_t n_keywords, n_capabilities, n_examples, n_knowledge;
	double cost;
	int max_tokens;
	double temperature, top_p;
	const char *file;		/* where it was read */
};

struct jexperts {
	struct jarena arena;
	struct jexpert *v;		/* by name */
	size_t n, cap;
};

extern const struct jschema jexpert_schema;

/* A file, or a folder with everything below it; JERR_ARG where there is no expert at all. */
int jexperts_load(struct jexperts *x, const char *path, struct jerr *e);
/* More of them into a loaded set. */
int jexperts_add(struct jexperts *x, const char *path, struct jerr *e);
int jexpert_parse(struct jexperts *x, const char *text, size_t n, const char *file, struct jerr *e);
void jexperts_release(struct jexperts *x);
const struct jexpert *jexperts_find(const struct jexperts *x, const char *name);
/* What will answer for it: its model, its base, or NULL where it lives on a node or nowhere yet. */
const char *jexpert_model(const struct jexpert *x);

#endif
