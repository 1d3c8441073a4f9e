#include "swarm/footprint.h"

#include "infer/jinfer.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "model/jdescribe.h"

#define WORK_ROWS 256		/* rows of a graph */
#define SCORED_ROWS 64

static uint64_t
size_of(const char *file)
{
	int64_t n = jfs_size(file);

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t
footprint_files(const char *path)
{
	struct jerr ignored = { 0 };
	struct jarena a;
	uint64_t sum = 0;
	char **names;
	size_t n;

	jarena_init(&a, 0);
	if (jfs_is_dir(path) && jfs_list(path, &a, &names, &n, &ignored) == 0) {
		for (size_t i = 0; i < n; i++)
			if (jstr_ends(names[i], ".safetensors") || jstr_ends(names[i], ".bin"))
				sum += size_of(jfs_join(&a, path, names[i]));
	} else if (jstr_ends(path, ".gguf") && jgguf_files(path, &a, &names, &n, &ignored) == 0) {
		for (size_t i = 0; i < n; i++)
			sum += size_of(names[i]);
	} else if (!jfs_is_dir(path)) {
		sum = size_of(path);
	}
	jarena_release(&a);
	return sum;
}

uint64_t
footprint_work(const struct jmodel_config *c, int capacity)
{
	uint64_t row = (uint64_t)(8 * c->hidden + 3 * c->ffn) * sizeof(float);

	if (!jmodel_has_head(c))	/* graphs of 16, 32 ... up to the context */
		return 2 * (uint64_t)c->context * row;
	return jinfer_kv_bytes(c, 1, capacity) + WORK_ROWS * row +
		SCORED_ROWS * (uint64_t)c->vocab_size * sizeof(float);
}
