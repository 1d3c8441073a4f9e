/*
 * Published vectors: SHA-256 (FIPS 180-4 examples), CRC-32C (RFC 3720 B.4), XXH3 (the empty input of
 * the specification), each by the instructions of this CPU and by plain C.
 */
#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "t.h"

static void
sha256(void)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char hex[65], whole[65], *million = jmem_alloc(1000000, 1);
	unsigned char sum[32];
	struct jsha256 s;
	size_t n, step;
	int bad = 0;

	memset(million, 'a', 1000000);
	jsha256_hex("", 0, hex);
	eq_str(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	jsha256_hex("abc", 3, hex);
	eq_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	jsha256_hex(two, strlen(two), hex);
	eq_str(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	jsha256_hex(million, 1000000, hex);
	eq_str(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	/* pieces of any size give what the whole gives */
	for (n = 0; n < 200; n++) {
		jsha256_hex(million, n, whole);
		for (step = 1; step < 70; step += 7) {
			size_t at;

			jsha256_init(&s);
			for (at = 0; at < n; at += step)
				jsha256_add(&s, million + at, n - at < step ? n - at : step);
			jsha256_done(&s, sum);
			jhash_hex(sum, 32, hex);
			bad += strcmp(hex, whole) != 0;
		}
	}
	eq_int(bad, 0);
	jmem_free(million);
}

static void
crc32c(void)
{
	static const unsigned char pdu[48] = { 0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0 };
	unsigned char b[32];
	int i;

	memset(b, 0, 32);
	eq_int(jcrc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, 32);
	eq_int(jcrc32c(0, b, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	eq_int(jcrc32c(0, b, 32), 0x46dd794e);
	eq_int(jcrc32c(jcrc32c(0, b, 13), b + 13, 19), 0x46dd794e);
	for (i = 0; i < 32; i++)
		b[i] = (unsigned char)(31 - i);
	eq_int(jcrc32c(0, b, 32), 0x113fdb5c);
	eq_int(jcrc32c(0, pdu, 48), 0xd9963a56);
	eq_int(jcrc32c(0, "123456789", 9), 0xe3069283);
	eq_int(jcrc32c(0, "", 0), 0);
}

static void
xxh3(void)
{
	struct jhash128 h = jhash128("", 0);

	ok(jhash64("", 0, 0) == 0x2d06800538d394c2);
	ok(jhash64("\0", 1, 0) == 0xc44bdff4074eecdb);
	ok(h.hi == 0x99aa06d3014798d8 && h.lo == 0x6001c324468d497f);
	ok(jhash64("a", 1, 0) != jhash64("a", 1, 1));
}

int
main(void)
{
	sha256();
	crc32c();
	xxh3();
	jsys_mask_features(0);
	sha256();
	crc32c();
	return t_done();
}
