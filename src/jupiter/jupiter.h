/*
 * jupiter.h - private to the front program: its options and verbs.
 *
 * The front holds no logic of its own: it finds files, says what it will run, and runs programs
 * and makefiles that a person could have typed.
 */
#ifndef JUPITER_H
#define JUPITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jmem.h"
#include "cli/jcli.h"
#include "conf/jdomain.h"

struct start_opts {
	const char *domain;	/* name or path */
	const char *config;	/* folder with domains/ and cluster.yaml */
	const char *mode;	/* auto or interactive */
	const char *work;	/* folder of the run; NULL = NAME in work_folder() */
	bool automatic, interactive;
	bool no_collect;
};

struct config_opts {
	bool make, questions;
	const char *config;
};

struct new_opts {
	const char *dir;
};

struct status_opts {
	const char *work;	/* folder of the runs; NULL = work_folder() */
};

struct export_opts {
	const char *format;	/* hf, gguf or mlx */
	const char *type;
};

struct info_opts {
	const char *preset;
};

jcli_run_fn start_run, check_run, config_run, new_domain_run, status_run, export_run, info_run;

/* A shipped file below share/ ("domains/python.yaml") or "pipelines/..."; from the arena. */
char *shipped(struct jarena *a, const char *name);
/* A domain file with the defaults of the main job filled in; sections it cannot honour are refused. */
int load_domain(struct jdomain *d, const char *path, struct jerr *e);
/* Where the folders of runs are: J_WORK, or work. */
const char *work_folder(void);
/* The domain file meant by a name or path: CONFIG/domains, ./domains, share/domains. */
int find_domain(struct jarena *a, const char *name, const char *config, char **path, struct jerr *e);
/* Numbers that change with what the file says: the sources and what lies in local ones, the words. */
int fingerprint_sources(const struct jdomain *d, uint64_t *print, struct jerr *e);
uint64_t fingerprint_words(const struct jdomain *d);
uint64_t fingerprint_base(const struct jdomain *d);	/* names, sizes and times of its files */
uint64_t fingerprint_questions(const struct jdomain *d);
/* A program of ours: beside the pipelines, so that a build tree and an installation both work. */
char *program(struct jarena *a, const char *name);
/* Runs argv with our terminal; its exit status must be 0. */
int run_program(const char *const argv[], struct jerr *e);

#endif
