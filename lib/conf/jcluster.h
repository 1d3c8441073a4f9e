/*
 * jcluster.h - the cluster file: the machines that train and generate together.
 *
 *	backend: mpi
 *	nodes:
 *	  - { host: a.example, role: generator, memory_gb: 32 }
 *	  - { host: b.example, role: trainer, device_type: nvidia }
 *
 * jcluster_load() refuses what is not such a file; jcluster_check() then says whether the machines
 * can do the work.  Everything points into the cluster's own arena.
 */
#ifndef JCLUSTER_H
#define JCLUSTER_H

#include <stdbool.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "conf/jschema.h"

struct jcluster_node {
	const char *host, *name;	/* name: the host if not given */
	const char *device_type;	/* mac nvidia cpu */
	const char *chip;		/* NULL if not given */
	const char *role;		/* generator trainer hybrid evaluator */
	const char *connection_type;	/* thunderbolt ethernet wifi */
	const char *ssh_user;		/* NULL = the user's own */
	double memory_gb;
	int64_t ssh_port;
	bool can_generate, can_train;
	int line;
};

struct jcluster {
	struct jarena arena;
	const char *file;
	const char *backend, *network_interface;	/* the interface may be NULL */
	bool use_thunderbolt_bridge, gradient_compression, checkpoint_on_failure;
	bool auto_restart_failed_nodes;
	int64_t sync_every_n_steps;
	struct jcluster_node *nodes;
	size_t n_nodes;
};

extern const struct jschema jcluster_schema;

int jcluster_load(struct jcluster *c, const char *path, struct jerr *e);
int jcluster_parse(struct jcluster *c, const char *text, size_t n, const char *name,
	struct jerr *e);
void jcluster_release(struct jcluster *c);

/*
 * No nodes; no generator (or hybrid); no trainer (or hybrid); trainers with less than 16 GB in
 * all; a host named twice.  Appends one line "FILE:LINE: ..." each to problems and returns how many.
 */
int jcluster_check(const struct jcluster *c, struct jbuf *problems);

#endif
