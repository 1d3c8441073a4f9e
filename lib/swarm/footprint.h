/* footprint.h - inside the room swarm: the memory that a model will take, before it is opened. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include <stdint.h>

#include "model/jmodel.h"

/* Weights in a folder, or the size of a file. */
uint64_t footprint_files(const char *path);
/* The key/value cache of so many tokens and work space; of an encoder the work space of its graphs. */
uint64_t footprint_work(const struct jmodel_config *c, int capacity);

#endif
