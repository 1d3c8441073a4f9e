/* Sentencepiece .model (protobuf), llama2.c tokenizer.bin and GGUF: refused, or one that works. */
#include "tok.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	fuzz_load(p, n);
	return 0;
}
