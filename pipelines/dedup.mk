# Deduplication in shards, on one machine or on many with a shared folder.
#
#	make -f pipelines/dedup.mk -j 8 IN='corpus/*.jsonl.zst' WORK=work/dedup SHARDS=32 [OPTS='--threshold 0.8']
#
#	sign.1-N ... sign.N-N ─▶ merged (one process) ─▶ kept.1-N.jsonl ... kept.N-N.jsonl
#
# Each product is a file that appears whole, so a run that was killed goes on where it was.  The files
# kept.I-N.jsonl one after another are what one `jfilter dedup` over IN writes, whatever SHARDS is.
#
#	make -f pipelines/dedup.mk slurm ...		prints a job script: an array, one job, an array
#	make -f pipelines/dedup.mk parallel ...		prints the same three steps for GNU parallel
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

HERE   := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
BIN    ?= $(firstword $(wildcard $(HERE)../bin $(HERE)../../../bin))
WORK   ?= work/dedup
SHARDS ?= 4
OPTS   ?=
MEMORY ?= 2G
files  := $(sort $(wildcard $(IN)))

ifeq ($(files),)
$(error IN='FILES' names no file; see the head of $(lastword $(MAKEFILE_LIST)))
endif
ifeq ($(wildcard $(BIN)/jfilter),)
$(error no programs in $(BIN): run make first)
endif

numbers := $(shell i=1; while [ $$i -le $(SHARDS) ]; do echo $$i; i=$$((i + 1)); done)
step     = $(BIN)/jfilter dedup -q -j 1 -M $(MEMORY) $(OPTS) --work $(WORK) --step
sign     = $(step) sign --shard $1/$(SHARDS) $(files)
merge    = $(BIN)/jfilter dedup -M $(MEMORY) $(OPTS) --work $(WORK) --step merge $(files)
apply    = $(step) apply --shard $1/$(SHARDS) --rejects $(WORK)/gone.$1-$(SHARDS).jsonl -o $(WORK)/kept.$1-$(SHARDS).jsonl $(files)

.PHONY: all
all: $(numbers:%=$(WORK)/kept.%-$(SHARDS).jsonl)

# The options as text, rewritten only when they change.
$(shell mkdir -p $(WORK) && echo '$(OPTS) $(SHARDS) $(files)' | cmp -s - $(WORK)/options || \
	{ rm -f $(WORK)/sign.* $(WORK)/plan.* $(WORK)/merged; echo '$(OPTS) $(SHARDS) $(files)' >$(WORK)/options; })

define shard
$(WORK)/sign.$1-$(SHARDS): $(WORK)/options $(files)
	@$$(call sign,$1)
$(WORK)/kept.$1-$(SHARDS).jsonl: $(WORK)/merged
	@$$(call apply,$1)
endef
$(foreach i,$(numbers),$(eval $(call shard,$i)))

$(WORK)/merged: $(numbers:%=$(WORK)/sign.%-$(SHARDS))
	@$(merge)
	@touch $@

.PHONY: slurm parallel
slurm:
	@printf '%s\n' '#!/bin/sh' '# sh THIS: submits three jobs, each waiting for the one before' \
		'a=$$(sbatch --parsable --array=1-$(SHARDS) --wrap "$(call sign,\$$SLURM_ARRAY_TASK_ID)")' \
		'm=$$(sbatch --parsable --dependency=afterok:$$a --wrap "$(merge)")' \
		'sbatch --dependency=afterok:$$m --array=1-$(SHARDS) --wrap "$(call apply,\$$SLURM_ARRAY_TASK_ID)"'
parallel:
	@printf '%s\n' 'seq $(SHARDS) | parallel $(call sign,{}) &&' '$(merge) &&' \
		'seq $(SHARDS) | parallel $(call apply,{})'
