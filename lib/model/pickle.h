/*
 * pickle.h - inside the room model: as much of Python's pickle format (protocols 2 to 5) as a
 * dictionary of tensors needs, read as data.
 *
 * Nothing is ever called or imported: a global is looked up in a short list of names that
 * torch.save() uses (torch._utils._rebuild_tensor_v2, collections.OrderedDict, torch.FloatStorage
 * ...), and REDUCE on one of those builds the value it stands for.  Any other global or opcode is
 * refused, by name and offset.  The size of everything is bounded by the number of opcodes.
 *
 * Values live in the arena.
 */
#ifndef PICKLE_H
#define PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "tensor/jtensor.h"

#define PICKLE_MAX_DIMS 8

enum pickle_kind {
	PK_NONE, PK_BOOL, PK_INT, PK_FLOAT, PK_STR, PK_SEQ, PK_DICT, PK_GLOBAL, PK_STORAGE, PK_TENSOR
};

struct pickle_storage {
	enum jdtype dtype;
	const char *key;		/* entry "data/KEY" of the archive */
	int64_t values;
};

struct pickle_tensor {
	struct pickle_storage storage;
	int64_t offset;			/* in values */
	int n_dims;
	int64_t shape[PICKLE_MAX_DIMS], stride[PICKLE_MAX_DIMS];
};

struct pickle_value {
	enum pickle_kind kind;
	int64_t i;			/* PK_INT, PK_BOOL; the global's number for PK_GLOBAL */
	const char *s;			/* PK_STR */
	struct pickle_value **v;	/* PK_SEQ: items; PK_DICT: key, value, key, value ... */
	size_t n, cap;
	struct pickle_storage *storage;
	struct pickle_tensor *tensor;
};

int pickle_read(struct pickle_value **root, const unsigned char *p, size_t n, const char *file,
	struct jarena *a, struct jerr *e);

#endif
