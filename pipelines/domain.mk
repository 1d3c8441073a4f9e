# The main job: from a domain file to an expert that answers.
#
#	make -f pipelines/domain.mk DOMAIN=share/domains/python.yaml [WORK=work/python] [J=2]
#
# Each product below is a file or folder that appears whole, so a run that was killed goes on where
# it was, a finished one does nothing, and a changed input remakes what depends on it.  A stage also
# depends on opts/STAGE, its options as text, rewritten only when they change.
#
#	docs ─▶ clean ─▶ unique ─▶ train ─▶ tok ─▶ shards ─▶ base ─▶ expert ─▶ scores, answers ─▶ report
#	                     └───▶ valid (held out by hash of the id before anything is trained)
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

DOMAIN ?= share/domains/python.yaml
HERE   := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
BIN    ?= $(firstword $(wildcard $(HERE)../bin $(HERE)../../../bin))
NAME   := $(basename $(notdir $(DOMAIN)))
WORK   ?= $(or $(J_WORK),work)/$(NAME)
J      ?= $(shell nproc 2>/dev/null || echo 2)
W      := $(WORK)

ifneq ($(words $(DOMAIN) $(WORK)),2)
$(error make cannot work with a blank in the name of DOMAIN or WORK: '$(DOMAIN)', '$(WORK)')
endif
ifeq ($(wildcard $(DOMAIN)),)
$(error no domain file $(DOMAIN): jupiter new-domain NAME makes one)
endif
ifeq ($(wildcard $(BIN)/jtrain),)
$(error no programs in $(BIN): run make first)
endif

.PHONY: all
all: $(W)/report.html
	@if [ -e $(W)/opts/made ]; then rm -f $(W)/opts/made; $(BIN)/jeval report -q --show $(W); \
	else echo 'everything in $(W) is up to date; $(BIN)/jeval report --show $(W) shows the report'; fi

# With a base (BASE, MODE lora or full) the stages are the same: its tokenizer takes the place of a
# trained one, `base` is it after the documents and `expert` after the pairs.  With MODE lora
# base.lora and expert.lora are the adapters, and the models are these merged into BASE.

# The steps in order, for `jupiter start --interactive`: target, tab, what it is.
.PHONY: stages
stages:
	@printf '$(W)/%s\t%s\n' docs.jsonl collect clean.jsonl filter unique.jsonl deduplicate \
		train.jsonl 'hold out documents' tok/tokenizer.json 'train a tokenizer' \
		train.jsh 'write shards' valid.jsh 'write held-out shards' base/config.json 'train from scratch' \
		pairs.jsonl 'make question-answer pairs' expert/config.json 'fine-tune on the pairs' \
		scores.jsonl evaluate answers.jsonl 'answer three questions' report.html 'write the report'

# What the domain file says, as make variables: VOCAB, PRETRAIN, SFT, ...  Looked at on every run,
# together with the files of local sources, and written only when something changed.
$(W)/domain.vars: FORCE
	@mkdir -p $(W)/opts && $(BIN)/jupiter config -q --make --no-prov -o $@ $(DOMAIN)
.PHONY: FORCE
FORCE:
include $(W)/domain.vars

# opts/STAGE: the options of a stage, likewise.
OPTS_docs   := $(COLLECT) $(SOURCES)
OPTS_clean  := $(FILTER) $(WORDS)
OPTS_unique := $(DEDUP)
OPTS_split  := $(SPLIT)
OPTS_tok    := $(TOKENIZER) $(BASE) $(BASE_FILES)
OPTS_shards := eos
OPTS_base   := $(PRETRAIN) $(BASE_FILES)
OPTS_pairs  := $(PAIRS)
OPTS_expert := $(SFT)
OPTS_eval   := $(EVAL)
OPTS_questions := $(QUESTIONS)
OPTS_answers := $(ANSWER)
opts = docs clean unique split tok shards base pairs expert eval questions answers
keep = echo '$(subst ','\'',$(OPTS_$1))' | cmp -s - $(W)/opts/$1 || echo '$(subst ','\'',$(OPTS_$1))' >$(W)/opts/$1;
ifneq ($(wildcard $(W)/domain.vars),)
$(shell mkdir -p $(W)/opts; $(foreach o,$(opts),$(call keep,$o)))
endif

say = @printf '\n\033[1m%s\033[0m\n' '$1'

$(W)/docs.jsonl: $(W)/opts/docs
	$(call say,1/9 collect: the documents of the domain)
	@$(BIN)/jcollect --domain $(DOMAIN) -j $(J) $(COLLECT) -o $@
	@[ -s $@ ] || { echo '$(DOMAIN): no documents in its sources' >&2; exit 1; }

$(W)/clean.jsonl: $(W)/docs.jsonl $(W)/opts/clean
	$(call say,2/9 filter: signals and rules)
	@$(BIN)/jfilter --domain $(DOMAIN) -j $(J) $(FILTER) --rejects $(W)/clean.rejects.jsonl -o $@ $<

$(W)/unique.jsonl: $(W)/clean.jsonl $(W)/opts/unique
	$(call say,3/9 deduplicate: exact and near copies)
	@$(BIN)/jfilter dedup -j $(J) $(DEDUP) --rejects $(W)/unique.rejects.jsonl -o $@ $<

# Held out before anything is trained, by hash of the document's id; more of them where there are few.
$(W)/train.jsonl: $(W)/unique.jsonl $(W)/opts/split
	$(call say,4/9 split: held-out documents by hash of their id)
	@for share in '' '--valid 10%' '--valid 40%'; do \
		$(BIN)/jfilter split $(SPLIT) $$share --valid-file $(W)/valid.jsonl -o $@ $< || exit 1; \
		[ ! -s $(W)/valid.jsonl ] || [ ! -s $@ ] || { touch $(W)/valid.jsonl; exit 0; }; rm -f $@; \
	done; echo '$(DOMAIN): too few documents to hold some out' >&2; exit 1
$(W)/valid.jsonl: $(W)/train.jsonl ;

ifeq ($(BASE),)
$(W)/tok/tokenizer.json: $(W)/train.jsonl $(W)/opts/tok
	$(call say,5/9 tokenize: train a vocabulary and write shards)
	@$(BIN)/jtokenize train -j $(J) $(TOKENIZER) -o $(W)/tok $<
	@touch $@
else
$(W)/tok/tokenizer.json: $(W)/opts/tok
	$(call say,5/9 tokenize: with the vocabulary of $(BASE))
	@rm -rf $(W)/tok && $(BIN)/jtokenize save -q -t $(BASE) -o $(W)/tok
	@touch $@
endif

$(W)/train.jsh: $(W)/train.jsonl $(W)/tok/tokenizer.json $(W)/opts/shards
	@$(BIN)/jtokenize encode -j $(J) -t $(W)/tok -o $@ $<
$(W)/valid.jsh: $(W)/valid.jsonl $(W)/tok/tokenizer.json $(W)/opts/shards
	@$(BIN)/jtokenize encode -j $(J) -t $(W)/tok -o $@ $<

# A training run that was stopped goes on from its checkpoint; one whose inputs or options changed
# starts anew (jtrain refuses to mix them).  FOLDER.key is the checksum of what the run was made of.
begin = key=$$(cat $(filter-out FORCE,$^) | cksum) && \
	{ [ "$$key" = "$$(cat $1.key 2>/dev/null)" ] || rm -rf $1; } && echo "$$key" >$1.key
resume = $$([ ! -e $1/latest ] && [ ! -e $1/adapter_config.json ] || echo --resume)

ifeq ($(MODE),lora)
$(W)/base/config.json: $(W)/train.jsh $(W)/valid.jsh $(W)/tok/tokenizer.json $(W)/opts/base
	$(call say,6/9 train: an adapter for $(BASE) on the documents)
	@$(call begin,$(W)/base.lora)
	@$(BIN)/jtrain pretrain -j $(J) $(PRETRAIN) --tokenizer $(W)/tok --data $(W)/train.jsh \
		--valid $(W)/valid.jsh --log $(W)/base.log.jsonl -o $(W)/base.lora $(call resume,$(W)/base.lora)
	@$(BIN)/jmodel merge -q --base $(BASE) --adapter $(W)/base.lora -o $(W)/base
	@touch $@
else
$(W)/base/config.json: $(W)/train.jsh $(W)/valid.jsh $(W)/tok/tokenizer.json $(W)/opts/base
	$(call say,6/9 train: $(if $(BASE),all weights of $(BASE) on the documents,the expert from scratch))
	@$(call begin,$(W)/base)
	@$(BIN)/jtrain pretrain -j $(J) $(PRETRAIN) --tokenizer $(W)/tok --data $(W)/train.jsh \
		--valid $(W)/valid.jsh --log $(W)/base.log.jsonl -o $(W)/base $(call resume,$(W)/base)
	@touch $@
endif

$(W)/pairs.jsonl: $(W)/train.jsonl $(W)/opts/pairs
	$(call say,7/9 fine-tune: question-answer pairs from the structure of the documents)
	@$(BIN)/jgen synth --structure -j $(J) $(PAIRS) -o $@ $<

ifeq ($(MODE),lora)
$(W)/expert/config.json: $(W)/base/config.json $(W)/pairs.jsonl $(W)/opts/expert
	@$(call begin,$(W)/expert.lora)
	@$(BIN)/jtrain sft -j $(J) $(SFT) --model $(BASE) --adapter $(W)/base.lora --tokenizer $(W)/tok \
		--data $(W)/pairs.jsonl --log $(W)/expert.log.jsonl -o $(W)/expert.lora \
		$(call resume,$(W)/expert.lora)
	@$(BIN)/jmodel merge -q --base $(BASE) --adapter $(W)/expert.lora -o $(W)/expert
	@touch $@
else
$(W)/expert/config.json: $(W)/base/config.json $(W)/pairs.jsonl $(W)/opts/expert
	@$(call begin,$(W)/expert)
	@$(BIN)/jtrain sft -j $(J) $(SFT) --model $(W)/base --data $(W)/pairs.jsonl \
		--log $(W)/expert.log.jsonl -o $(W)/expert $(call resume,$(W)/expert)
	@touch $@
endif

$(W)/scores.jsonl: $(W)/base/config.json $(W)/expert/config.json $(W)/valid.jsonl $(W)/opts/eval
	$(call say,8/9 evaluate: held-out bits per byte beside xz -9 and a 5-gram model)
	@$(if $(BASE),$(BIN)/jeval ppl -j $(J) $(EVAL) -m $(BASE) --name start -o $@.0 $(W)/valid.jsonl,: >$@.0)
	@$(BIN)/jeval ppl -j $(J) $(EVAL) -m $(W)/base --name base -o $@.1 $(W)/valid.jsonl
	@$(BIN)/jeval ppl -j $(J) $(EVAL) -m $(W)/expert --name expert -o $@.2 $(W)/valid.jsonl
	@$(BIN)/jeval baseline -j $(J) --tokenizer $(W)/tok --train $(W)/train.jsonl -o $@.3 $(W)/valid.jsonl
	@cat $@.[0123] >$@.tmp.make && mv $@.tmp.make $@ && rm -f $@.[0123] $@.[0123].prov

$(W)/answers.jsonl: $(W)/expert/config.json $(W)/questions.jsonl $(W)/opts/answers
	$(call say,9/9 answer: three questions to the expert)
	@$(BIN)/jgen complete -m $(W)/expert $(ANSWER) -o $@ $(W)/questions.jsonl
$(W)/questions.jsonl: $(W)/opts/questions
	@$(BIN)/jupiter config -q --questions --no-prov -o $@ $(DOMAIN)
	@touch $@

$(W)/report.html: $(W)/scores.jsonl $(W)/answers.jsonl $(W)/base/config.json
	@touch $(W)/opts/made && $(BIN)/jeval report -q -o $@ $(W)
