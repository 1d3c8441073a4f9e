/* signals.h - private: the families of signals, one table each, ended by a row without a name. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "text/jsignal.h"

extern const struct jsignal jsignals_shape[];	/* signals_shape.c: length, words, lines */
extern const struct jsignal jsignals_repeat[];	/* signals_repeat.c */
extern const struct jsignal jsignals_docs[];	/* signals_docs.c: prose, navigation, language */
extern const struct jsignal jsignals_code[];	/* signals_code.c */
extern const struct jsignal jsignals_lines[];	/* signals_lines.c: sentences, C4, RedPajama */
extern const struct jsignal jsignals_stack[];	/* signals_stack.c: code by language */
extern const struct jsignal jsignals_source[];	/* signals_source.c: address, licence */
extern const struct jsignal jsignals_talk[];	/* signals_talk.c: issues, pull requests */
extern const struct jsignal jsignals_compat[];	/* signals_compat.c: other programs */
extern const struct jsignal jsignals_model[];	/* signals_model.c */

#endif
