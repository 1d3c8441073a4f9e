#include "verbs.h"

#include <string.h>

#include "io/jfs.h"

int
experts_open(struct jexperts *x, const char *path, struct jerr *e)
{
	if (!path)
		return jerr_set(e, JERR_ARG, "no experts given (--experts DIR)");
	return jexperts_load(x, path, e);
}

const char *
router_path(struct jexperts *x, const char *experts)
{
	return jfs_is_dir(experts) ? jfs_join(&x->arena, experts, "router.safetensors") :
		jarena_printf(&x->arena, "%s.router.safetensors", experts);
}
