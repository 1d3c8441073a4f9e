/* tokenizer.json and .tiktoken: refused, or a tokenizer that works. */
#include "tok.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_load(p, n);
	return 0;
}
