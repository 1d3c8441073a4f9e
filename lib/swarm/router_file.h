/* router_file.h - inside the room swarm: a trained router as a safetensors file. */
#ifndef ROUTER_FILE_H
#define ROUTER_FILE_H

#include "base/jerr.h"
#include "swarm/features.h"
#include "swarm/jexpert.h"

int router_save(const struct weights *w, const struct jexperts *x, const char *path, struct jerr *e);
/* JERR_ARG where the file was made for other experts. */
int router_load(struct weights *w, const struct jexperts *x, const char *path, struct jerr *e);

#endif
