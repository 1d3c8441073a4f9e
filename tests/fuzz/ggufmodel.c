/* The keys of a GGUF file as a model's configuration: what is accepted is consistent. */
#include <stdint.h>
#include <stdlib.h>

#include "io/jgguf.h"
#include "model/arch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jmodel_config c, again;
	struct jerr e = { 0 };
	struct jgguf *g;
	struct jbuf out;

	if (jgguf_open_mem(&g, p, n, "fuzz", &e) < 0)
		return 0;
	if (gguf_config_of(&c, g, "fuzz", &e) == 0) {
		if (jmodel_config_check(&c, "fuzz", &e) < 0)
			abort();
		jbuf_init(&out);
		jmodel_describe(&c, &out);
		jbuf_reset(&out);
		jmodel_config_json(&c, JDT_F32, &out);
		jmodel_config_parse(&again, out.p, out.n, "written", &e);
		jbuf_release(&out);
	}
	jgguf_close(g);
	return 0;
}
