/* source/url.c - web pages: being written. */
#include "../collect.h"

static bool
url_match(const char *spec)
{
	return jstr_starts(spec, "http://") || jstr_starts(spec, "https://");
}

static bool
urls_match(const char *spec)
{
	return jstr_starts(spec, "urls:");
}

static int
url_open(void **out, const char *spec, const struct collect_opts *o, struct jerr *e)
{
	(void)out;
	(void)o;
	return jerr_set(e, JERR_UNSUPPORTED, "%s: not yet", spec);
}

const struct source_type source_url = { .name = "url", .match = url_match, .open = url_open };
const struct source_type source_urls = { .name = "urls", .match = urls_match, .open = url_open };
