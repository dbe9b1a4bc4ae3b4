# pinn-solve. `make help` lists the targets; every variable below can be given on the command line.
MAKEFLAGS += --no-print-directory
CC        := mpicc
BUILD     ?= build
PREFIX    ?= /usr/local
OPT       ?= -O3 -g
SAN       ?=
V         ?= 0
PACKAGES  := PETSc hdf5-openmpi libconfig gsl

# `make run` and `make check` install what is missing before any compiler flag is asked for.
ifneq ($(shell pkg-config --exists $(PACKAGES) check 2>/dev/null && command -v $(CC) >/dev/null && echo yes),yes)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
$(info $(shell scripts/install-packages >&2))
endif
endif

VERSION   := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Werror
CPPFLAGS  += -Iinclude -isystem $(subst -I,-isystem ,$(shell pkg-config --cflags-only-I $(PACKAGES)))
CFLAGS    := -std=c11 $(OPT) -fopenmp -fno-math-errno $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LDLIBS    := $(shell pkg-config --libs $(PACKAGES)) -llapacke -lblas -lm
LDFLAGS   += -fopenmp $(if $(SAN),-fsanitize=$(SAN))

# The folders in the order in which they may use one another; FOLDERS= builds and tests a part.
FOLDERS   ?= error kernel jet formula config problem points network residual optimizer output cli
src.c     := $(sort $(foreach f,$(FOLDERS),$(shell find src/$(f) -name '*.c')))
test.c    := $(filter $(foreach f,$(FOLDERS),tests/test_$(f)%),$(sort $(wildcard tests/test_*.c)))
T         ?=
lib       := $(BUILD)/libpinn.a
program   := $(BUILD)/pinn-solve
tests     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(if $(T),$(filter tests/test_$(T)%,$(test.c)),$(test.c)))
Q         := $(if $(filter 1,$(V)),,@)

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all run check test build help clean

all: $(program) ## build the program (the default)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(lib): $(src.c:%.c=$(BUILD)/%.o)
	@echo '  AR    $@'
	$(Q)rm -f $@ && ar rcs $@ $^

$(program): $(BUILD)/src/main.o $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(BUILD)/tests/harness.o $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)

test: $(tests) ## unit tests; T=jet selects tests/test_jet*.c
	$(if $(tests),,$(error no test matches T=$(T)))
	@for t in $(tests); do echo "== $$t"; $$t || exit 1; done

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
