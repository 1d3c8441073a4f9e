/*
 * signals_talk.c - issues and pull requests, as StarCoder chose them (Li et al. 2023, section 3): who
 * takes part, and whether what is proposed was wanted.
 */
#include <math.h>

#include "text/jabout.h"
#include "text/signals.h"

/* NaN where the record is none of these, or does not say. */
#define TALK(name) \
	static double \
	sig_##name(struct jpage *pg) \
	{ \
		return pg->about && pg->about->talk ? pg->about->talk->name : NAN; \
	}
TALK(users)
TALK(events)
TALK(title_chars)
TALK(accepted)
TALK(upkeep)
#undef TALK

static double
sig_lone_chars(struct jpage *pg)
{
	return sig_users(pg) < 2 ? (double)pg->count.chars : NAN;
}

static double
sig_lone_events(struct jpage *pg)
{
	return sig_users(pg) < 2 ? sig_events(pg) : NAN;
}

const struct jsignal jsignals_talk[] = {
	{ "users", sig_users, "who takes part in an issue, bots aside" },
	{ "events", sig_events, "what an issue consists of, the first text included" },
	{ "lone_chars", sig_lone_chars, "characters of an issue in which one user takes part" },
	{ "lone_events", sig_lone_events, "events of such an issue" },
	{ "title_chars", sig_title_chars, "characters of the title of a pull request" },
	{ "accepted", sig_accepted, "the pull request was merged or approved (0 or 1)" },
	{ "upkeep", sig_upkeep, "its title speaks of a dependency or a release (0 or 1)" },
	{ .name = NULL }
};
