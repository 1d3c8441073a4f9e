/* remote.h - inside the room swarm: an answer from an OpenAI-style endpoint. */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct remote_ask {
	const char *node;		/* http://host:port, .../v1, .../chat/completions or /completions */
	const char *model;		/* its name there */
	const char *messages;		/* JSON array */
	const char *prompt;		/* the same as plain text, for /completions */
	int max_tokens;
	double temperature, top_p;
	uint64_t seed;
	const char *key;		/* NULL: none */
	double timeout_s;
	int retries;			/* of errors that pass: no connection, 429, 5xx */
	int (*on_text)(void *arg, const char *p, size_t n);	/* NULL, or each piece as it comes */
	void *arg;
};
struct remote_reply {
	struct jbuf text;
	uint64_t prompt_tokens, tokens;	/* as told, else counted in pieces; 0: not known */
	bool whole;			/* the node said that it ended */
	int status;			/* of HTTP */
};
void remote_reply_init(struct remote_reply *r);
void remote_reply_release(struct remote_reply *r);
/* On an error r->text holds what had come. */
int remote_ask(const struct remote_ask *q, struct remote_reply *r, struct jerr *e);

/*
 * The body of an answer: one JSON object, or server-sent events with pieces.  A stream that is cut
 * gives what was whole, and whole stays false; JERR_NET where the node tells an error, JERR_FORMAT
 * where it is neither.
 */
int remote_parse(const char *p, size_t n, struct remote_reply *r, struct jerr *e);

#endif
