# Does a swarm of experts beat one generalist of the same training?  From nothing:
#
#	make -f pipelines/swarm.mk [WORK=work/swarm] [SEEDS="1 2 3"] [STEPS=600] [J=2]
#
# All arms branch from one starting model, trained for STEPS steps on the mixture of all domains.  Then
# the same number of tokens goes into each of three things:
#	generalist	STEPS more steps on the mixture
#	experts		STEPS / K steps on each of the K domains
#	random		STEPS / K steps on each of K random parts of the mixture: branching without domains
# Measured on held-out documents: bits per byte of each model; of the expert that the router picks for
# the document (routed), and the one of its domain (oracle); of the fixed-share mixture of all experts,
# with and without the starting model, and with the router's scores as the prior of its weights; and of
# all random models.  Intervals are over documents and
# seeds.  A mixture runs K models for each token where the generalist runs one.
#
# Each product appears whole, so a run that was stopped goes on where it was; a changed option (text in
# opts/) remakes what depends on it.  Products: report.html, report.txt, report.jsonl; router and expert files in
# pool/; the first seed's experts, fine-tuned to answer questions, in experts/.
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

DOMAINS ?= python-core python-datascience python-backend git sql unix
HERE    := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
SHARE   ?= $(firstword $(wildcard $(HERE)../share $(HERE)..))
DOMAIN_FILES ?= $(SHARE)/domains
EXPERT_FILES ?= $(SHARE)/experts
BIN     ?= $(firstword $(wildcard $(HERE)../bin $(HERE)../../../bin))
WORK    ?= $(or $(J_WORK),work)/swarm
J       ?= $(shell nproc 2>/dev/null || echo 2)
W       := $(WORK)

# Sizes.  BYTES of training text a domain, at most; of held-out documents DOCS a domain, their first CUT
# bytes.
SEEDS   ?= 1 2 3
PRESET  ?= nano
VOCAB   ?= 2048
STEPS   ?= 600
BATCH   ?= 8
SEQ     ?= 256
RECIPE  ?= --optimizer muon --lr 4e-3 --schedule wsd --weight-decay 0.1 --beta2 0.95
ANSWER_STEPS ?= 150
BYTES   ?= 4000000
# What teaches the router what is nobody's, beside the shipped questions: prose of other kinds.
FOREIGN ?= deb:anarchism deb:debian-history deb:fortunes
HELD_OUT ?= 15%
DOCS    ?= 40
CUT     ?= 2000

ifneq ($(words $(WORK)),1)
$(error make cannot work with a blank in the name of WORK: '$(WORK)')
endif
ifeq ($(wildcard $(BIN)/jtrain),)
$(error no programs in $(BIN): run make first)
endif
K     := $(words $(DOMAINS))
PARTS := $(wordlist 1,$(K),1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
SHORT := $(shell echo $$(($(STEPS) / $(K))))
ifneq ($(words $(PARTS)),$(K))
$(error at most 20 domains)
endif

.PHONY: all report experts FORCE
all: report experts
report: $(W)/report.txt $(W)/report.html
	@cat $<
experts: $(DOMAINS:%=$(W)/experts/%/config.json)
FORCE:

# opts/STAGE: the options of a stage as text, rewritten only when they change.
OPTS_split := $(BYTES) $(HELD_OUT) $(DOCS)
OPTS_parts := $(DOMAINS)
OPTS_tok   := $(DOMAINS) $(VOCAB)
OPTS_train := $(DOMAINS) $(PRESET) $(STEPS) $(BATCH) $(SEQ) $(RECIPE)
OPTS_sft   := $(ANSWER_STEPS)
OPTS_pool  := $(DOMAINS) $(EXPERT_FILES)
OPTS_foreign := $(FOREIGN)
OPTS_each  := $(DOMAINS) $(CUT)
OPTS_seeds := $(SEEDS)
keep = echo '$(subst ','\'',$(OPTS_$1))' | cmp -s - $(W)/opts/$1 || echo '$(subst ','\'',$(OPTS_$1))' >$(W)/opts/$1;
$(shell mkdir -p $(W)/opts $(W)/train $(W)/valid $(W)/random $(W)/pool $(W)/pairs; \
	$(foreach o,split parts tok train sft pool foreign each seeds,$(call keep,$o)))

space := $() $()
, := ,
say = @printf '\n\033[1m%s\033[0m\n' '$1'
whole = mv $@.tmp.make $@

# The documents, as the main job makes them.
$(DOMAINS:%=$(W)/domains/%/unique.jsonl): $(W)/domains/%/unique.jsonl: FORCE
	@$(MAKE) -s -f $(HERE)domain.mk DOMAIN=$(DOMAIN_FILES)/$*.yaml WORK=$(W)/domains/$* BIN=$(BIN) J=$(J) $@

# Ids are hashes: in their order the documents are shuffled, and any beginning is a sample.
$(W)/train/%.jsonl: $(W)/domains/%/unique.jsonl $(W)/opts/split
	@$(BIN)/jfilter split -q --no-prov --valid $(HELD_OUT) --valid-file $(W)/valid/$*.all -o $@.all $<
	@LC_ALL=C sort $(W)/valid/$*.all | head -n $(DOCS) >$(W)/valid/$*.tmp.make
	@LC_ALL=C sort $@.all | LC_ALL=C awk '(n += length($$0)) <= $(BYTES) || NR == 1' >$@.tmp.make
	@[ -s $(W)/valid/$*.tmp.make ] || { echo '$*: too few documents to hold some out' >&2; exit 1; }
	@mv $(W)/valid/$*.tmp.make $(W)/valid/$*.jsonl && rm -f $(W)/valid/$*.all $@.all && $(whole)
$(W)/valid/%.jsonl: $(W)/train/%.jsonl ;
train := $(DOMAINS:%=$(W)/train/%.jsonl)
valid := $(DOMAINS:%=$(W)/valid/%.jsonl)

# K random parts, each with its share of every domain.
parts := $(foreach i,$(PARTS),$(DOMAINS:%=$(W)/random/%.$i.jsonl))
$(W)/random/%.1.jsonl: $(W)/train/%.jsonl $(W)/opts/parts
	@for i in $(wordlist 2,$(K),$(PARTS)) 1; do awk -v i=$$i 'NR % $(K) == i % $(K)' $< >$@.tmp.make && \
		mv $@.tmp.make $(W)/random/$*.$$i.jsonl || exit 1; done
define other_part
$(W)/random/%.$1.jsonl: $(W)/random/%.1.jsonl ;
endef
$(foreach i,$(wordlist 2,$(K),$(PARTS)),$(eval $(call other_part,$i)))

$(W)/tok/tokenizer.json: $(train) $(W)/opts/tok
	$(call say,tokenize: one vocabulary for all)
	@$(BIN)/jtokenize train -q -j $(J) -v $(VOCAB) -o $(W)/tok $(train)
	@touch $@

# TRAIN MODEL STEPS DATA SEED: into the folder of the target.  A stopped run goes on from its checkpoint;
# one whose inputs changed (FOLDER.key is their checksum) starts anew.
define fit
@mkdir -p $(@D) && key=$$(cat $^ | cksum) && [ "$$key" = "$$(cat $(@D).key 2>/dev/null)" ] || \
	rm -rf $(@D); cat $^ | cksum >$(@D).key
@$(BIN)/jtrain pretrain -q --no-prov -j $(J) --model $1 --tokenizer $(W)/tok $3 --steps $2 --batch $(BATCH) \
	--seq $(SEQ) $(RECIPE) $5 --seed $4 --save-every 200 -o $(@D) $$([ ! -e $(@D)/latest ] || echo --resume)
@touch $@
endef
mixture := $(foreach d,$(DOMAINS),--mix $(W)/train/$d.jsonl=1)

define seed
$(W)/$1/start/config.json: $(train) $(W)/tok/tokenizer.json $(W)/opts/train
	$$(call say,seed $1: the starting model$$(,) $(STEPS) steps on the mixture)
	$$(call fit,$(PRESET),$(STEPS),$(mixture),$1,--decay-steps 0)
$(W)/$1/generalist/config.json: $(W)/$1/start/config.json $(W)/$1/start/model.safetensors $(train)
	$$(call say,seed $1: the generalist$$(,) $(STEPS) steps more on the mixture)
	$$(call fit,$(W)/$1/start,$(STEPS),$(mixture),$1)
$(foreach d,$(DOMAINS),$(call branch,$1,$d,--data $(W)/train/$d.jsonl,$(W)/train/$d.jsonl))
$(foreach i,$(PARTS),$(call branch,$1,random-$i,$(foreach d,$(DOMAINS),--mix \
	$(W)/random/$d.$i.jsonl=1),$(DOMAINS:%=$(W)/random/%.$i.jsonl)))
$(W)/$1/each.jsonl: $(W)/routed.jsonl $(foreach m,start generalist $(DOMAINS) \
		$(PARTS:%=random-%),$(W)/$1/$m/config.json) $(W)/opts/each
	$$(call say,seed $1: held-out documents under every model)
	@$(BIN)/jeval each -q --no-prov -j $(J) --max-bytes $(CUT) $(foreach m,start generalist $(DOMAINS) \
		$(PARTS:%=random-%),-m $m=$(W)/$1/$m) --mix mixture=$(subst $(space),$(,),$(DOMAINS)) \
		--routed-mix mixture+router=$(subst $(space),$(,),$(DOMAINS)) \
		--mix mixture+start=start,$(subst $(space),$(,),$(DOMAINS)) \
		--mix random-mixture=$(subst $(space),$(,),$(PARTS:%=random-%)) -o $$@ $(W)/routed.jsonl
endef
define branch

$(W)/$1/$2/config.json: $(W)/$1/start/config.json $(W)/$1/start/model.safetensors $4
	$$(call say,seed $1: $2$$(,) $(SHORT) steps)
	$$(call fit,$(W)/$1/start,$(SHORT),$3,$1)

endef
$(foreach s,$(SEEDS),$(eval $(call seed,$s)))
$(SEEDS:%=$(W)/%/start/model.safetensors): %/model.safetensors: %/config.json ;

# Expert files for the router: the shipped ones, with the training documents of this run as knowledge.
$(W)/pool/%.yaml: $(EXPERT_FILES)/%.yaml $(W)/train/%.jsonl $(W)/opts/pool
	@{ sed -e '/^model_path:/d' -e '/^base_model:/d' -e '/^knowledge:/d' $<; \
		echo 'model_path: $(abspath $(W))/experts/$*'; \
		echo 'knowledge: [$(abspath $(W))/train/$*.jsonl]'; } >$@.tmp.make && $(whole)
$(W)/foreign.jsonl: $(W)/opts/foreign
	$(call say,collect: texts of other kinds)
	@if [ -n '$(FOREIGN)' ]; then $(BIN)/jcollect -q -o $@ $(FOREIGN); else : >$@; fi
$(W)/pool/router.safetensors: $(DOMAINS:%=$(W)/pool/%.yaml) $(DOMAINS:%=$(W)/pairs/%.jsonl) $(W)/foreign.jsonl
	$(call say,route: a router from the training documents and questions made of them)
	@rm -f $(filter-out $(DOMAINS:%=$(W)/pool/%.yaml),$(wildcard $(W)/pool/*.yaml))
	@$(BIN)/jroute train --experts $(W)/pool --foreign shipped --foreign $(W)/foreign.jsonl -o $@ $(foreach d,$(DOMAINS),$d=$(W)/pairs/$d.jsonl)
$(W)/routed.jsonl: $(W)/pool/router.safetensors $(valid)
	@$(BIN)/jroute route -q --no-prov --experts $(W)/pool --top-k $(K) --min-score 0 \
		--no-abstain -o $@ $(valid)

$(W)/report.jsonl: $(SEEDS:%=$(W)/%/each.jsonl) $(W)/opts/seeds
	@$(BIN)/jeval swarm -q -o $@ $(SEEDS:%=$(W)/%/each.jsonl)
$(W)/report.txt: $(SEEDS:%=$(W)/%/each.jsonl) $(W)/report.jsonl
	@$(BIN)/jeval swarm -q --no-prov --show -o $@ $(SEEDS:%=$(W)/%/each.jsonl)

$(W)/report.html: $(SEEDS:%=$(W)/%/each.jsonl) $(W)/report.jsonl
	@$(BIN)/jeval swarm -q --no-prov --html -o $@ $(SEEDS:%=$(W)/%/each.jsonl)

# The first seed's experts learn to answer: pairs from the structure of their documents.
$(W)/pairs/%.jsonl: $(W)/train/%.jsonl
	@$(BIN)/jgen synth --structure -q -j $(J) -o $@ $<
$(W)/experts/%/config.json: $(W)/$(firstword $(SEEDS))/%/config.json $(W)/pairs/%.jsonl $(W)/opts/sft
	$(call say,experts: $* learns to answer)
	@rm -rf $(@D) && mkdir -p $(W)/experts
	@$(BIN)/jtrain sft -q -j $(J) --model $(W)/$(firstword $(SEEDS))/$* --data $(W)/pairs/$*.jsonl \
		--steps $(ANSWER_STEPS) --batch 8 --seq $(SEQ) --lr 1e-3 --seed $(firstword $(SEEDS)) -o $(@D)
	@touch $@
.SECONDARY:
