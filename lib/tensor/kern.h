/* kern.h - inside the room: the tables of kern_*.c. */
#ifndef KERN_H
#define KERN_H

#include "tensor/jkern.h"

extern const struct jkern jkern_generic;
#if defined(__x86_64__)
extern const struct jkern jkern_avx2, jkern_avx512;
#endif

#endif
