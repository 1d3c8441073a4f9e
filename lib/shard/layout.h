/*
 * layout.h - the bytes of jshard(5), shared by the writer and the readers.
 *
 *	header 4096 | token blocks of 1 MiB ... | chunks MASK? ROWS? DOCS META TOC | trailer 64
 */
#ifndef SHARD_LAYOUT_H
#define SHARD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SH_MAGIC "\x89JSH\r\n\x1a\n"
#define SH_END_MAGIC "JSH.END\n"
#define SH_ENDIAN 0x01020304u
#define SH_MAJOR 1
#define SH_MINOR 1

#define SH_HEADER 4096
#define SH_HEAD 64			/* of a block and of a chunk */
#define SH_BLOCK (1u << 20)
#define SH_PAYLOAD (SH_BLOCK - SH_HEAD)
#define SH_TRAILER 64
#define SH_TOC_FIXED 72			/* bytes of the TOC before its entries */
#define SH_TOC_ENTRY 24
#define SH_TOC_MAX 64			/* entries */

#define SH_FLAG_MASK 1u
#define SH_FLAG_ROWS 2u
#define SH_ROW_ORDER 1u			/* flag of ROWS */
#define SH_ROW_MAX (1u << 24)		/* tokens of a row without the last */
#define SH_ROWS_FIXED 16		/* bytes of ROWS before its entries */

#define SH_ID(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define SH_TOKS SH_ID('T', 'O', 'K', 'S')
#define SH_MASK SH_ID('M', 'A', 'S', 'K')
#define SH_ROWS SH_ID('R', 'O', 'W', 'S')
#define SH_DOCS SH_ID('D', 'O', 'C', 'S')
#define SH_META SH_ID('M', 'E', 'T', 'A')
#define SH_TOC SH_ID('T', 'O', 'C', ' ')

/* Offsets inside the header. */
enum {
	SH_H_ENDIAN = 8, SH_H_MAJOR = 12, SH_H_MINOR = 14, SH_H_WIDTH = 16, SH_H_BLOCK = 20,
	SH_H_VOCAB = 24, SH_H_FLAGS = 28, SH_H_PRINT = 32, SH_H_CRC = SH_HEADER - 4
};
/* Offsets inside a block or chunk head: blocks have count and first, chunks a length. */
enum {
	SH_B_ID = 0, SH_B_COUNT = 4, SH_B_FIRST = 8, SH_B_CRC = 16, SH_B_HEADCRC = 60,
	SH_C_LENGTH = 8
};
/* Offsets inside the trailer. */
enum { SH_T_TOC = 0, SH_T_TOKENS = 8, SH_T_DOCS = 16, SH_T_HASH = 24, SH_T_MAGIC = 56 };
/* Offsets inside the payload of ROWS. */
enum { SH_R_SEQ = 0, SH_R_FLAGS = 4, SH_R_ROWS = 8 };
/* Offsets inside the TOC payload. */
enum {
	SH_TOC_TOKENS = 0, SH_TOC_DOCS = 8, SH_TOC_TEXT = 16, SH_TOC_HASH = 24,
	SH_TOC_BLOCKS = 56, SH_TOC_N = 64
};

static inline uint64_t
sh_pad(uint64_t n)
{
	return (n + 63) & ~(uint64_t)63;
}

#endif
