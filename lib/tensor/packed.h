/*
 * packed.h - inside the room: the layouts of packed weights and their kernels.
 *
 * All layouts are sequences, per group of 16 rows, of blocks of 32 values of k; f16 is little-endian,
 * [16] runs over the rows of the group.
 *
 *	Q8_0	f16 scale[16]; u8 (q + 128)[8][16][4]: value 4 j + b of row r at [j][r][b]
 *	Q4_0	f16 scale[16]; u8 [4][16][4]: low nibble value 4 j + b, high nibble 16 + 4 j + b
 *	Q4_K	every 8th block begins with f16 d[16], f16 dmin[16]; u8 scale[16], u8 min[16]; nibbles
 *	Q5_K	the same, and behind the nibbles u8 [16][4]: the fifth bits of values 4 j + b in bit j,
 *		of values 16 + 4 j + b in bit 4 + j
 *	Q6_K	every 8th block begins with f16 d[16]; i8 scale[2][16]; nibbles; the two high bits of
 *		values 4 j + b and 16 + 4 j + b in bits 2 j of [0][r][b] and [1][r][b] of u8 [2][16][4]
 *	F16, BF16	[k][16]
 */
#ifndef PACKED_H
#define PACKED_H

#include "tensor/jpacked.h"

enum { PACK_GROUP = 16, PACK_BLOCK = 32, PACK_SUPER = 8 };

enum pack_kind { PACK_Q8_0, PACK_Q4_0, PACK_Q4_K, PACK_Q5_K, PACK_Q6_K, PACK_F16, PACK_BF16, PACK_KINDS };

/* Rows of x in 8 bits.  z is the zero point of the weights times the sum of q, negated. */
struct packed_rows {
	int8_t *q;		/* [rows][K] */
	float *d, *s;		/* [rows][K / 32]: scale; -scale * sum of q */
	int32_t *z;		/* [rows][K / 16]: of 16 values; unless halves, of 32 at even places */
};

/* Some rows of y by one group of 16 columns (several for the plain types). */
struct packed_tile {
	const unsigned char *w;
	uint64_t group_bytes;
	int64_t K, kc;		/* kc: length of the blocks of k of the plain types */
	int rows, groups;
	struct packed_rows a;
	const float *x;		/* plain types */
	int64_t ldx;
	float *y;
	int64_t ldy;
	int cols;		/* valid columns in all groups */
	bool add;
};

struct packed_ops {
	const char *name;
	unsigned features;
	int rows;			/* rows of a tile, at most */
	int zero[PACK_KINDS];		/* zero points as its products see them */
	/* n values of a row, n a multiple of 32. */
	void (*quantize)(const struct packed_rows *to, const float *x, int64_t n, int zero,
		bool halves);
	void (*tile[PACK_KINDS])(const struct packed_tile *t);
};

extern const struct packed_ops packed_generic;
#if defined(__x86_64__)
extern const struct packed_ops packed_avx2, packed_vnni;
#endif

#endif
