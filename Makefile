# Jupiter: one non-recursive makefile.  `make help` lists the targets.
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VARIANT ?= release
BUILD   ?= build
B       := $(BUILD)/$(VARIANT)
-include config.mk

CC      ?= cc
AR      ?= ar
prefix  ?= /usr/local
DESTDIR ?=
Q       := $(if $(V),,@)

.DEFAULT_GOAL := all

# The rooms of the library in the order in which they may use each other (tests/lint/layers).
ROOMS ?= base io par cli conf record net doc text tok shard tensor graph model optim infer train score swarm
TOOLS ?= jcollect jfilter jtokenize jtrain jgen jeval jmodel jroute jsynth jupiter

PKGS := libxxhash yaml-0.1 libcurl libarchive libzstd zlib libxml-2.0 libpcre2-8 libutf8proc liblzma sqlite3
# Only an oracle of the tests.
TEST_PKGS := json-c
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
TEST_CFLAGS := $(shell pkg-config --cflags $(TEST_PKGS) 2>/dev/null)
TEST_LIBS  := $(shell pkg-config --libs $(TEST_PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wwrite-strings -Wno-unused-parameter -Wno-missing-field-initializers $(if $(WERROR),-Werror)
# -g1 is enough for a backtrace; the kernels compile in two thirds of the time of -g.
OPT_release := -O2 -g1
OPT_debug   := -O0 -g3
OPT_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_cov     := -O0 -g --coverage
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
ifeq ($(VARIANT),fuzz)
CC := clang
endif
ifndef OPT_$(VARIANT)
$(error VARIANT is one of release debug asan tsan cov fuzz)
endif
DEFS := -D_POSIX_C_SOURCE=200809L
# Where shipped files are found; only lib/cli/preset.c asks, so a new prefix recompiles that alone.
CFLAGS_lib_cli_preset := -DJ_SHARE='"$(abspath share)"' -DJ_PREFIX='"$(prefix)"'
# Loops over all weights, which are worth turning into vectors; sqrtf() then may not set errno.
$(foreach f,$(wildcard lib/optim/*.c),$(eval CFLAGS_$(subst /,_,$(f:.c=)) := -fno-math-errno -ftree-vectorize))
# Short loops over the bytes of every page, which are worth unrolling.
$(foreach f,pagescan wordkey match lang,$(eval CFLAGS_lib_text_$f := -O3))
# Used where it is there: line editing in jgen chat.
EDIT_LIBS := $(shell pkg-config --libs libedit 2>/dev/null)
CFLAGS_src_jgen_chatline := $(if $(EDIT_LIBS),-DJ_LIBEDIT $(shell pkg-config --cflags libedit))
LIBS_jgen := $(EDIT_LIBS)
ALL_CFLAGS  := -std=c11 $(DEFS) -Ilib -pthread $(OPT_$(VARIANT)) $(if $(NATIVE),-march=native) \
	$(WARN) $(PKG_CFLAGS) $(TEST_CFLAGS) $(CFLAGS)
# Links the many programs of the unit tests three times as fast.
LD_asan     := $(if $(shell command -v ld.gold 2>/dev/null),-fuse-ld=gold)
ALL_LDFLAGS := -pthread $(OPT_$(VARIANT)) $(LD_$(VARIANT)) $(LDFLAGS)
LIBS        := $(PKG_LIBS) -ldl -lm

obj = $(patsubst %.c,$(B)/%.o,$(sort $(wildcard $1)))
LIBSRC := $(foreach r,$(ROOMS),lib/$r/*.c lib/$r/*/*.c)

.PHONY: all
all: $(TOOLS:%=$(B)/bin/%)
	$(Q)mkdir -p bin $(if $^,&& ln -sf $(patsubst $(CURDIR)/%,../%,$(abspath $^)) bin/)

$(B)/libj.a: $(call obj,$(LIBSRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define tool_rule
$(B)/bin/$1: $$(call obj,src/$1/*.c src/$1/*/*.c) $(B)/libj.a
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) $$(LIBS_$1)
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$t)))

# Test programs and files run side by side, each into a file of its own, which are then shown in order.
PARALLEL ?= $(shell nproc 2>/dev/null || echo 2)
# The longest start first, so that no core is idle at the end.
first = $(foreach n,$1,$(filter %/$n,$2)) $(filter-out $(addprefix %/,$1),$2)
UNIT_FIRST := train_run tensor_gemm shard_file graph_bits infer_pages tensor_packed graph_reference graph_layers train_feed
BATS_FIRST := jtrain_run.bats domain.bats jtrain_optim.bats common.bats jtrain_lora.bats swarm.bats kill.bats \
	jtokenize_encode.bats jfilter_resume.bats jsynth.bats jtrain_feed.bats jfilter_dedup_by.bats jfilter_dedup.bats
# Unit tests: tests/unit/ROOM_*.c, one program each.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(foreach r,$(ROOMS),$(wildcard tests/unit/$r_*.c)))
$(B)/tests/%: $(B)/tests/unit/%.o $(B)/libj.a
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(TEST_LIBS)
.PHONY: unit
unit: $(UNIT)
	$(Q)printf '%s\n' $(call first,$(UNIT_FIRST),$(UNIT)) | xargs -P $(PARALLEL) -I{} sh -c '{} >{}.tap 2>&1 || echo "not ok - {} failed" >>{}.tap'; \
	cat $(UNIT:%=%.tap); ! grep -aq '^not ok' $(UNIT:%=%.tap)
.SECONDARY:

$(B)/%.o: %.c $(B)/.flags
	$(Q)mkdir -p $(@D) && $(if $(V),,echo "  CC $<" &&) $(CC) $(ALL_CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c -o $@ $<
$(B)/.flags: FORCE
	$(Q)mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' >$@
$(B)/lib/cli/preset.o: $(B)/.prefix
$(B)/.prefix: FORCE
	$(Q)mkdir -p $(@D); echo '$(prefix)' | cmp -s - $@ || echo '$(prefix)' >$@
.PHONY: FORCE
FORCE:
-include $(wildcard $(B)/lib/*/*.d $(B)/lib/*/*/*.d $(B)/src/*/*.d $(B)/src/*/*/*.d $(B)/tests/unit/*.d)

# --- dependencies -------------------------------------------------------------------------------
# Everything that is not in the C library, by package manager.  The first line of each is what the
# programs are built from; the second what the tests and the manual checks use.
DEPS_apt := gcc make pkg-config libc6-dev libyaml-dev libcurl4-openssl-dev \
	libxxhash-dev libarchive-dev libzstd-dev zlib1g-dev liblzma-dev libxml2-dev libpcre2-dev libutf8proc-dev libsqlite3-dev libedit-dev \
	ca-certificates xz-utils \
	libjson-c-dev bats jq mandoc python3
DEPS_dnf := gcc make pkgconf-pkg-config glibc-devel libyaml-devel libcurl-devel \
	xxhash-devel libarchive-devel libzstd-devel zlib-devel xz-devel libxml2-devel pcre2-devel utf8proc-devel sqlite-devel libedit-devel xz \
	json-c-devel bats jq mandoc python3
DEPS_pacman := gcc make pkgconf libyaml curl xxhash libarchive zstd zlib xz libxml2 pcre2 \
	libutf8proc sqlite libedit \
	json-c bash-bats jq mandoc python
DEPS_brew := pkg-config libyaml curl xxhash libarchive zstd zlib xz libxml2 pcre2 utf8proc sqlite \
	json-c bats-core jq mandoc python3

# Quick when nothing is missing: asks pkg-config and PATH, not the package manager.
.PHONY: deps
deps:
	$(Q)if command -v $(firstword $(CC)) >/dev/null && command -v bats >/dev/null && command -v jq >/dev/null && \
	   command -v mandoc >/dev/null && command -v python3 >/dev/null && command -v xz >/dev/null && command -v pkg-config >/dev/null && \
	   pkg-config --exists $(PKGS) $(TEST_PKGS); then exit 0; fi; \
	as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	if command -v apt-get >/dev/null; then \
		echo "deps: installing with apt-get: $(DEPS_apt)"; \
		$$as apt-get update -q && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEPS_apt); \
	elif command -v dnf >/dev/null; then \
		echo "deps: installing with dnf: $(DEPS_dnf)"; $$as dnf install -y $(DEPS_dnf); \
	elif command -v pacman >/dev/null; then \
		echo "deps: installing with pacman: $(DEPS_pacman)"; $$as pacman -S --needed --noconfirm $(DEPS_pacman); \
	elif command -v brew >/dev/null; then \
		echo "deps: installing with brew: $(DEPS_brew)"; brew install $(DEPS_brew); \
	else \
		echo "deps: no apt-get, dnf, pacman or brew here; please install: $(PKGS) $(TEST_PKGS) bats jq mandoc xz" >&2; exit 1; \
	fi

# --- the main job -------------------------------------------------------------------------------
# Sub-makes, so that what `deps` installed is seen by pkg-config.
DOMAIN ?= share/domains/python.yaml
.PHONY: demo
demo: deps
	$(Q)$(MAKE) -s -j$$(nproc 2>/dev/null || echo 2) all
	$(Q)$(MAKE) -s -f pipelines/domain.mk DOMAIN=$(DOMAIN)

# --- tests --------------------------------------------------------------------------------------
BATS_DIRS := tests/tools tests/conform tests/pipe
J_BIN := $(abspath $(B)/bin)
export J_TEST_SHARED ?= $(abspath ../shared)

# unit: under the sanitizers; the bats files: the release programs.
.PHONY: check check-all check-bats check-fuzz check-unit
check: deps
	$(Q)tests/run $(MAKE)
check-all: deps
	$(Q)J_CHECK_ALL=1 tests/run $(MAKE)
# What tests/run calls, one group each.
check-unit: unit
check-bats: all
	$(Q)mkdir -p $(B)/tap && rm -f $(B)/tap/*; printf '%s\n' $(call first,$(BATS_FIRST),$(wildcard $(BATS_DIRS:%=%/*.bats))) | \
	J_BIN=$(J_BIN) xargs -P $(PARALLEL) -I{} sh -c 'to=$(B)/tap/$$(basename {} .bats); \
		bats $(if $(J_CHECK_ALL),,--filter-tags "!slow") {} >$$to 2>&1 || echo "not ok - {} failed" >>$$to'; \
	cat $(B)/tap/*; ! grep -aq '^not ok' $(B)/tap/*

# Fuzzers as plain replayers of their seeds (any compiler); VARIANT=fuzz builds the real ones (clang).
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(if $(filter fuzz,$(VARIANT)),,$(B)/tests/fuzz/replay.o) $(B)/libj.a
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $^ $(LIBS)
check-fuzz: $(FUZZERS:%=$(B)/fuzz/%)
	$(Q)for f in $(FUZZERS); do $(B)/fuzz/$$f tests/fuzz/seeds/$$f/* >/dev/null || { echo "not ok - fuzz $$f"; exit 1; }; \
		echo "ok - fuzz seeds $$f"; done
# make fuzz F=html T=60: fuzz one parser for T seconds.
F ?= json
T ?= 60
.PHONY: fuzz
fuzz:
	$(Q)$(MAKE) VARIANT=fuzz $(BUILD)/fuzz/fuzz/$(F)
	$(Q)mkdir -p $(BUILD)/corpus/$(F) && $(BUILD)/fuzz/fuzz/$(F) -max_total_time=$(T) \
		$(if $(wildcard tests/fuzz/$(F).dict),-dict=tests/fuzz/$(F).dict) $(BUILD)/corpus/$(F) tests/fuzz/seeds/$(F)

.PHONY: lint bench cov
lint: all
	$(Q)J_BIN=$(J_BIN) tests/lint/run
bench: all
	$(Q)for b in tests/bench/*.sh; do echo "== $$b"; J_BIN=$(J_BIN) sh $$b || exit 1; done
cov:
	$(Q)$(MAKE) -s VARIANT=cov unit >/dev/null
	$(Q)cd $(BUILD)/cov && for f in $$(find lib -name '*.gcda'); do gcov -n "$$f" 2>/dev/null; done | \
		awk '/^File .lib/ { f = $$2 } /^Lines executed/ && f { split($$0, a, /[:%]/); print a[2] "%", f; f = "" }' | sort -n

# --- install ------------------------------------------------------------------------------------
MANPAGES := $(wildcard man/man[157]/*.[157])
.PHONY: install uninstall
install: all
	$(Q)mkdir -p $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/jupiter
	$(Q)for t in $(TOOLS); do install -m 755 $(B)/bin/$$t $(DESTDIR)$(prefix)/bin/; done
	$(Q)for m in $(MANPAGES); do d=$(DESTDIR)$(prefix)/share/man/$$(basename $$(dirname $$m)); \
		mkdir -p $$d && install -m 644 $$m $$d/; done
	$(Q)cp -R share/. $(DESTDIR)$(prefix)/share/jupiter/ && cp -R pipelines $(DESTDIR)$(prefix)/share/jupiter/
uninstall:
	$(Q)for t in $(TOOLS); do rm -f $(DESTDIR)$(prefix)/bin/$$t; done
	$(Q)for m in $(MANPAGES); do rm -f $(DESTDIR)$(prefix)/share/man/$$(basename $$(dirname $$m))/$$(basename $$m); done
	$(Q)rm -rf $(DESTDIR)$(prefix)/share/jupiter

.PHONY: clean help
clean:
	$(Q)rm -rf $(BUILD)/release $(BUILD)/debug $(BUILD)/asan $(BUILD)/tsan $(BUILD)/cov $(BUILD)/fuzz $(TOOLS:%=bin/%)
help:
	@echo 'make demo       install what is missing, build, and make an expert from real documents'
	@echo '                (DOMAIN=share/domains/{python,sql,git,unix}.yaml; results in work/NAME)'
	@echo 'make check      the tests (under ten minutes); check-all adds the long ones'
	@echo 'make all        build the programs into bin/      VARIANT=release|debug|asan|tsan|cov|fuzz'
	@echo 'make deps       install the libraries that are missing'
	@echo 'make lint       layers, headers, sizes, banned functions, manual pages'
	@echo 'make bench      ours beside the peers, with ratios    (J_PEER_PYTHON=a Python with torch)'
	@echo 'make fuzz       F=html T=60: fuzz one parser (clang)'
	@echo 'make cov        line coverage of the library by file'
	@echo 'make install    prefix=/usr/local DESTDIR=; uninstall; clean'
	@echo 'V=1 shows commands; WERROR=1 makes warnings errors; NATIVE=1 tunes for this CPU'
