/*
 * records.h - the records that fine-tuning reads, as the field writes them.
 *
 *	chat		{messages: [{role, content}, ...], tools}; {conversations: ...} with the same
 *	sharegpt	{conversations: [{from, value}, ...], system}
 *	alpaca		{instruction, input, output, system}
 *	pair		{prompt, answer, system}
 *	completion	{prompt, completion}: text that goes on, or lists of messages
 *	text		{text}: every token is a target
 */
#ifndef SFT_RECORDS_H
#define SFT_RECORDS_H

#include <stdbool.h>

#include "record/jrec.h"
#include "train/jobjective.h"

/* The kind of a record by its members: enum jtrain_kind, or negative. */
int sft_kind(const struct jrec *r, struct jerr *e);
/* Is it text as it stands, without a template? */
bool sft_is_plain(const struct jrec *r, int kind);
/* Appends [{"role": ..., "content": ...}, ...]; not for records that are plain. */
int sft_messages(struct jbuf *b, const struct jrec *r, int kind, struct jarena *a, struct jerr *e);

#endif
