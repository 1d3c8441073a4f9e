/* jcollect - documents from files, folders, archives, packages and the web as JSONL records. */
#include "collect.h"

int
main(int argc, char **argv)
{
	struct collect_opts o = COLLECT_OPTS_INIT;
	const struct jopt opts[] = {
		{ "Selection", .type = JOPT_HEAD },
		{ "domain", 'd', JOPT_STR, &o.domain, "FILE", "take the sources from a domain file" },
		{ "include", 'I', JOPT_LIST, &o.include, "GLOB", "only paths that match (may be repeated)" },
		{ "exclude", 'X', JOPT_LIST, &o.exclude, "GLOB", "not these paths (may be repeated)" },
		{ "defaults", 0, JOPT_BOOL, &o.defaults, NULL,
			"leave out indexes, search pages and other generated files" },
		{ "kind", 'k', JOPT_STR, &o.kind, "LIST", "types of documents to take: all, or of docs,code,text" },
		{ "min-chars", 0, JOPT_INT, &o.min_chars, "N", "reject texts with fewer characters" },
		{ "max-docs", 0, JOPT_INT, &o.max_docs, "N", "stop after N records, 0 = all" },
		{ "max-bytes", 0, JOPT_SIZE, &o.max_bytes, "SIZE", "reject documents with more bytes" },
		{ "licence", 0, JOPT_STR, &o.licence, "NAME", "licence to record where the source states none" },
		{ "Fetching", .type = JOPT_HEAD },
		{ "cache", 0, JOPT_STR, &o.cache, "DIR", "folder for packages and page states" },
		{ "user-agent", 0, JOPT_STR, &o.agent, "NAME", "name shown to web servers and looked up in robots.txt" },
		{ "delay", 0, JOPT_INT, &o.delay_ms, "MS", "milliseconds between requests to a host" },
		{ "timeout", 0, JOPT_DOUBLE, &o.timeout, "S", "seconds to wait for a server" },
		{ "robots", 0, JOPT_BOOL, &o.robots, NULL, "obey robots.txt" },
		{ .type = JOPT_END }
	};
	const struct jopt none[] = { { .type = JOPT_END } };
	const struct jverb verbs[] = {
		{ "extract", "[FILE]", "print the clean text of one page or document", none, extract_run, &o },
		{ 0 }
	};
	const struct jtool tool = {
		.name = "jcollect", .args = "[options] SOURCE ...",
		.summary = "collect documents as JSONL records",
		.opts = opts, .run = collect_run, .arg = &o, .verbs = verbs
	};

	return jcli_main(&tool, argc, argv);
}
