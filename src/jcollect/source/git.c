/* source/git.c - git:URL is a word that is kept for repositories; this build does not read them. */
#include "../collect.h"

static bool
git_match(const char *spec)
{
	return jstr_starts(spec, "git:") || jstr_starts(spec, "git+");
}

static int
git_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	(void)out;
	(void)o;
	return jerr_set(e, JERR_UNSUPPORTED, "%s: git repositories are not read by this version; "
	    "clone it and name the folder", spec);
}

const struct source_type source_git = { .name = "git", .match = git_match, .open = git_open };
