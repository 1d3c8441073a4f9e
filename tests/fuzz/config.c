/* config.json: what is accepted is consistent, can be written, and reads back the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "model/jmodel.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jmodel_config a, b;
	struct jbuf first, second;
	struct jerr e = { 0 };

	if (jmodel_config_parse(&a, (const char *)p, n, "fuzz", &e) < 0)
		return 0;
	jbuf_init(&first);
	jbuf_init(&second);
	jmodel_config_json(&a, JDT_F32, &first);
	if (jmodel_config_parse(&b, first.p, first.n, "written", &e) < 0)
		abort();
	jmodel_config_json(&b, JDT_F32, &second);
	if (strcmp(first.p, second.p) != 0)
		abort();
	if (a.layers <= 64 && jmodel_count(&a) == 0)
		abort();
	jbuf_release(&first);
	jbuf_release(&second);
	return 0;
}
