/* partopts.c - the options of split, mix and select. */
#include "partopts.h"

#include "resume.h"

struct split_opts split_given = SPLIT_OPTS_INIT(split_table);
struct mix_opts mix_given = MIX_OPTS_INIT(mix_table);
struct select_opts select_given = SELECT_OPTS_INIT(select_table);

const struct jopt split_table[] = {
	{ "valid", 0, JOPT_STR, &split_given.valid, "SHARE", "share of documents to validate with" },
	{ "valid-file", 0, JOPT_STR, &split_given.valid_file, "FILE", "where they go" },
	{ "test", 0, JOPT_STR, &split_given.test, "SHARE", "share of documents to test with" },
	{ "test-file", 0, JOPT_STR, &split_given.test_file, "FILE", "where they go" },
	{ "by", 0, JOPT_STR, &split_given.by, "KEY", "member whose hash decides" },
	RESUME_OPT(split_given),
	{ .type = JOPT_END }
};

const struct jopt mix_table[] = {
	{ "total", 0, JOPT_STR, &mix_given.total, "N", "budget, instead of the file's: 300k, 10m" },
	{ "tag", 0, JOPT_BOOL, &mix_given.tag, NULL, "note the source of each record as mix" },
	{ "valid", 0, JOPT_STR, &mix_given.valid, "SHARE", "share of documents to validate with" },
	{ "valid-file", 0, JOPT_STR, &mix_given.valid_file, "FILE", "where they go" },
	{ "test", 0, JOPT_STR, &mix_given.test, "SHARE", "share of documents to test with" },
	{ "test-file", 0, JOPT_STR, &mix_given.test_file, "FILE", "where they go" },
	RESUME_OPT(mix_given),
	{ .type = JOPT_END }
};

const struct jopt select_table[] = {
	{ "like", 0, JOPT_LIST, &select_given.like, "FILE", "records of the target", .many = true },
	{ "total", 'n', JOPT_COUNT, &select_given.total, "N", "how much is chosen: 300k, 10m" },
	{ "unit", 0, JOPT_STR, &select_given.unit, "UNIT", "of what", "records|words|bytes" },
	{ "noise", 0, JOPT_DOUBLE, &select_given.noise, "X", "times Gumbel noise; 0 chooses just the best" },
	{ "min-words", 0, JOPT_INT, &select_given.min_words, "N", "do not choose shorter records" },
	RESUME_OPT(select_given),
	{ .type = JOPT_END }
};
