# pinn-solve. `make help` lists the targets; V=1 shows commands; any variable below can be given on the command line.
MAKEFLAGS += --no-print-directory
CC        := mpicc
CUDA      ?= 0
BUILD     ?= $(if $(filter 1,$(CUDA)),build/cuda,build)
PREFIX    ?= /usr/local
OPT       ?= -O3 -g
SAN       ?=
V         ?= 0
# Debian's names, else those of upstream, found once all is installed.
PACKAGES   = $(if $(shell pkg-config --exists hdf5-openmpi lapacke && echo 1),PETSc hdf5-openmpi libconfig lapacke blas \
             gsl,PETSc hdf5 libconfig openblas gsl)
Q         := $(if $(filter 1,$(V)),,@)

# What is missing is installed before the first compiler flag is asked for.
ifneq ($(filter-out help clean packages,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(PACKAGES) check 2>/dev/null && command -v $(CC)),)
else ifneq ($(shell sh scripts/install-packages || echo failed),)
$(error packages are missing, see above)
endif
endif
PACKAGES  := $(PACKAGES)

# CUDA=1: the compiler is on PATH or in CUDA_HOME. Machine code for A100 and H100, and PTX for what comes after them.
ifeq ($(CUDA),1)
NVCC      := $(or $(if $(CUDA_HOME),$(wildcard $(CUDA_HOME)/bin/nvcc)),$(shell command -v nvcc))
ifeq ($(NVCC),)
$(error CUDA=1 needs nvcc, the CUDA compiler: put it on PATH or name its folder, CUDA_HOME=/usr/local/cuda)
endif
cuda.home := $(or $(CUDA_HOME),$(patsubst %/bin/,%,$(dir $(realpath $(NVCC)))))
cuda.cu   := $(sort $(wildcard src/kernel/cuda/*.cu))
CUDA_ARCH ?= -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=[sm_90,compute_90]
NVCCFLAGS := -std=c++17 -O3 $(CUDA_ARCH) -Iinclude -Werror=all-warnings -Xcompiler=-Wall
cuda.libs := $(firstword $(wildcard $(cuda.home)/lib64 $(cuda.home)/lib))
CUDALIBS  := -L$(cuda.libs) -Wl,-rpath,$(cuda.libs) -lcusolver -lcublas -lcudart -lstdc++
endif

VERSION   := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Werror
CPPFLAGS  += -Iinclude $(subst -I,-isystem ,$(shell pkg-config --cflags-only-I $(PACKAGES)))
CFLAGS    := -std=c11 -D_GNU_SOURCE $(OPT) -fopenmp -fno-math-errno $(WARN) \
             $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LDLIBS    := $(CUDALIBS) $(shell pkg-config --libs $(PACKAGES)) -lm
LDFLAGS   += -fopenmp $(if $(SAN),-fsanitize=$(SAN))

# The folders in the order in which they may use one another; FOLDERS= builds and tests some of them.
FOLDERS   ?= error file kernel jet formula config problem points network residual precond optimizer output cli run
src.c     := $(sort $(foreach f,$(FOLDERS),$(shell find src/$(f) -name '*.c')))
bench.c   := $(wildcard bench/*.c)
table.c   := $(wildcard bench/precond/*.c) bench/built.c
device.c  := bench/device/device.c $(patsubst %,bench/%.c,built measure plans subject operations baseline)
ranks.c   := $(wildcard bench/ranks/*.c) bench/built.c
test.c    := $(sort $(foreach f,$(FOLDERS),$(wildcard tests/test_$(f).c tests/test_$(f)_*.c)))
fuzzers   := $(filter-out fuzz,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
T         ?=
lib       := $(BUILD)/libpinn.a
program   := $(BUILD)/pinn-solve
engine    := $(BUILD)/bench/engine
table     := $(BUILD)/bench/precond-table
ranks     := $(BUILD)/bench/ranks-of-rows
device    := $(BUILD)/bench/device-bench
tests     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(if $(T),$(filter tests/test_$(T)%,$(test.c)),$(test.c)))
mpi.tests := $(filter %_mpi,$(tests))
home       = $(DESTDIR)$(PREFIX)
man        = $(home)/share/man/man1
completion = $(home)/share/bash-completion/completions
share      = $(home)/share/pinn-solve
# The device's sources compiled for the processor (tests/cuda), and the same tests on a device.
shim.o    := $(patsubst src/kernel/cuda/%.cu,$(BUILD)/tests/cuda/%.o,$(wildcard src/kernel/cuda/*.cu)) $(BUILD)/tests/cuda/shim.o
SHIMFLAGS := -std=c++17 -O1 -g -fopenmp -Wall -Wextra -Werror -Itests/cuda -Iinclude $(if $(SAN),-fsanitize=$(SAN))
gpu.tests := $(if $(filter 1,$(CUDA)),$(patsubst %_cuda,%_gpu,$(filter %_cuda,$(tests))))
FUZZ      ?= $(fuzzers)
FUZZ_CC   ?= clang
FUZZ_SECONDS ?= 600
MPIRUN    ?= mpirun --allow-run-as-root --oversubscribe
# Waiting threads sleep: tests share their machine.
export OMP_WAIT_POLICY ?= passive

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: gpu-check all run check test test-mpi test-program test-failures test-slurm test-bench fuzz fuzz-replay fuzz-build configs soak accuracy bench precond-table scaling style format lint asan tsan valgrind leaks install \
        uninstall packages info help clean

all: $(program) ## build the program (the default)

run: $(program) ## build and solve configs/poisson2d.cfg
	$(program) --overwrite configs/poisson2d.cfg

check: all style test test-mpi test-program test-failures test-slurm test-bench configs ## all tests

test: $(tests) $(gpu.tests) ## unit tests; T=jet selects tests/test_jet*.c
	$(if $(tests),,$(error no test matches T=$(T)))
	$(Q)for t in $(tests); do echo "== $$t"; $$t || exit 1; done
	$(Q)for t in $(gpu.tests); do echo "== $$t"; CK_FORK=no $$t || exit 1; done

test-mpi: $(mpi.tests) $(program)
	$(Q)for t in $(mpi.tests); do echo "== 2 ranks: $$t"; CK_FORK=no $(MPIRUN) -n 2 $$t || exit 1; done
	$(Q)for t in $(filter %_gram_mpi %_ranks_mpi,$(mpi.tests)); do for n in 4 8; do echo "== $$n ranks: $$t"; \
	  CK_FORK=no OMP_NUM_THREADS=1 $(MPIRUN) -n $$n $$t || exit 1; done; done

test-program: $(program)
	$(Q)PINN_SOLVE=$(program) MPIRUN="$(MPIRUN)" tests/program.sh
	$(Q)PINN_SOLVE=$(program) tests/conditions.sh

test-failures: $(program)
	$(Q)PINN_SOLVE=$(program) MPIRUN="$(MPIRUN)" tests/failures.sh short

test-slurm: $(program)
	$(Q)PINN_SOLVE=$(program) tests/slurm.sh

soak: $(program) ## kills at random moments, full disks, damaged files, for long (ten minutes)
	$(Q)PINN_SOLVE=$(program) MPIRUN="$(MPIRUN)" tests/failures.sh soak

configs: $(program)
	$(Q)PINN_SOLVE=$(program) scripts/run-configs short

accuracy: $(program) ## every case in full against the error it states (an hour)
	$(Q)PINN_SOLVE=$(program) scripts/run-configs full

test-bench: $(engine)
	$(Q)printf 'case order-4 16 2 64 %s\nmeasure 0.01\n' 'double residual+gradient' | $(engine) --worker | grep -q rows_per_second

bench: $(engine) ## speed of the derivative engine, to output/bench/engine.json; FULL=1 all cases, PEERS=1 beside JAX and PyTorch
	$(Q)mkdir -p output/bench
	$(engine) $(if $(filter 1,$(FULL)),--full) --output output/bench/engine.json
	$(if $(filter 1,$(PEERS)),scripts/bench/peers/install build-peers && build-peers/bin/python \
	  scripts/bench/peers/compare.py $(engine) output/bench/engine.json $(if $(filter 1,$(FULL)),--full))

precond-table: $(table) ## iterations of cg with each preconditioner on three states (minutes)
	$(Q)PRECOND_TABLE=$(table) scripts/precond-table

scaling: $(ranks) ## time against ranks, strong and weak, and a cost model fitted to it for 10 to 10,000 of them
	$(Q)RANKS_OF_ROWS=$(ranks) MPIRUN="$(MPIRUN)" scripts/scaling

bench-high-dimension: $(program) $(engine) ## steps/s and memory beside JAX for 100 to 100,000 dimensions
	PINN_SOLVE=$(program) ENGINE=$(engine) scripts/bench/high-dimension

gpu-check: ## pack tests and benchmark for a machine with a GPU and no packages: gpu-check.tar.gz
	scripts/gpu-check pack

style: ## formatting, sizes, direction of includes, shell scripts
	$(Q)scripts/check-style

format: ## clang-format every source
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cu')

lint: ## clang-tidy and cppcheck
	clang-tidy --quiet $(src.c) $(sort $(bench.c) $(table.c)) -- -std=c11 -D_GNU_SOURCE $(CPPFLAGS)
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -Iinclude src bench

asan: ## the unit tests under address and undefined-behaviour sanitizers
	ASAN_OPTIONS=detect_leaks=0 $(MAKE) BUILD=$(BUILD)/asan OPT='-O1 -g' SAN=address,undefined \
	  WARN='$(WARN) -Wno-maybe-uninitialized' test

tsan: ## the unit tests under the thread sanitizer (clang and libomp-dev, whose Archer knows OpenMP's rules)
	OMPI_CC=clang CK_FORK=no TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
	  $(MAKE) BUILD=$(BUILD)/tsan OPT='-O1 -g' WARN=-Wno-pass-failed SAN=thread \
	  FOLDERS='error file kernel jet formula config problem points network residual precond optimizer' test

fuzz: fuzz-build ## fuzz every reader of files for FUZZ_SECONDS (600) each, under sanitizers (clang); FUZZ='formula mesh' some
	$(Q)BUILD=$(BUILD) scripts/fuzz $(FUZZ_SECONDS) $(FUZZ)

fuzz-replay: fuzz-build ## the inputs kept in tests/fuzz/corpus, each once, under sanitizers (clang)
	$(Q)BUILD=$(BUILD) scripts/fuzz 0 $(FUZZ)

# Zero offsets to NULL are left alone: compilers define them, and C2y will.
fuzz-build:
	$(Q)OMPI_CC='$(FUZZ_CC)' $(MAKE) BUILD=$(BUILD)/fuzz OPT='-O2 -g1' WARN=-Wno-pass-failed \
	  SAN='fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize=pointer-overflow -fno-sanitize-recover=all' \
	  $(FUZZ:%=$(BUILD)/fuzz/%)

$(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/fuzz.o $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# Valgrind knows no AVX-512, and the messengers of MPI send bytes that nothing was written to.
valgrind: $(program) ## a short case under valgrind, on one rank and on two
	$(Q)for n in 1 2; do echo "== $$n ranks"; OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=1 \
	  $(MPIRUN) -n $$n valgrind --quiet --error-exitcode=9 --suppressions=tests/mpi.supp \
	  $(patsubst %,--suppressions=%,$(wildcard /usr/share/openmpi/openmpi-valgrind.supp)) \
	  $(program) --overwrite --output $(BUILD)/valgrind --set network.features=20 --set 'points.interior.count=[6,6]' \
	  --set verify.tolerance=1e30 configs/poisson2d.cfg || exit 1; done

leaks: ## the tests of the program from outside under the address, leak and undefined-behaviour sanitizers (half an hour)
	$(Q)$(MAKE) BUILD=$(BUILD)/asan OPT='-O1 -g' SAN=address,undefined WARN='$(WARN) -Wno-maybe-uninitialized' all
	$(Q)PINN_SOLVE=$(BUILD)/asan/pinn-solve MPIRUN="$(MPIRUN)" tests/leaks.sh

install: $(program) ## to PREFIX (/usr/local): program, man page, completion, job scripts, example cases
	install -D -m 755 -t $(home)/bin $(program) scripts/slurm/pinn-solve-batch
	install -d $(man) $(completion)
	$(program) --man > $(man)/pinn-solve.1
	$(program) --completion bash > $(completion)/pinn-solve
	install -D -m 644 -t $(share)/slurm scripts/slurm/*.sbatch
	install -D -m 644 -t $(share)/configs configs/*.cfg
	install -D -m 644 -t $(share)/configs/data configs/data/*
	install -D -m 644 -t $(share)/configs/optimizers configs/optimizers/*
	install -D -m 644 -t $(share)/configs/high-dimensional configs/high-dimensional/*
	install -D -m 644 -t $(share)/configs/pinnacle configs/pinnacle/*.cfg
	install -D -m 644 -t $(share)/configs/pinnacle/data configs/pinnacle/data/*
	install -D -m 644 -t $(share)/meshes meshes/*

uninstall: ## what install has put below PREFIX
	rm -f $(home)/bin/pinn-solve $(home)/bin/pinn-solve-batch $(man)/pinn-solve.1 $(completion)/pinn-solve
	rm -rf $(share)

packages: ## install the system packages that are missing
	sh scripts/install-packages

info: ## what this build uses
	@echo "version  $(VERSION)"; echo "compiler $$($(CC) --version | head -1)"
	@for p in $(PACKAGES) check; do echo "$$p $$(pkg-config --modversion $$p)"; done
	@echo "flags    $(CFLAGS)"; echo "links    $(LDLIBS)"

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-20s %s\n", $$1, $$2}' Makefile

clean: ## remove everything that was built
	rm -rf $(BUILD)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The version changes with every commit: it is compiled in where it differs from the last build's.
$(BUILD)/src/cli/version.o: CPPFLAGS += -DPINN_VERSION='"$(VERSION)"'
$(BUILD)/src/cli/version.o: $(BUILD)/version
$(BUILD)/version: force
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
.PHONY: force

$(BUILD)/%.cu.o: %.cu Makefile
	@mkdir -p $(@D)
	@echo '  NVCC  $<'
	$(Q)$(NVCC) $(NVCCFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(BUILD)/tests/cuda/%.o: src/kernel/cuda/%.cu Makefile
	@mkdir -p $(@D)
	@echo '  CXX   $< (for the processor)'
	$(Q)$(CXX) $(SHIMFLAGS) -MMD -MP -x c++ -c -o $@ $<

$(BUILD)/tests/cuda/shim.o: tests/cuda/shim.cu Makefile
	@mkdir -p $(@D)
	$(Q)$(CXX) $(SHIMFLAGS) -MMD -MP -x c++ -c -o $@ $<

ifeq ($(CUDA),1)
$(BUILD)/src/cli/choices.o: CPPFLAGS += -DPINN_HAVE_CUDA
endif

$(lib): $(src.c:%.c=$(BUILD)/%.o) $(cuda.cu:%.cu=$(BUILD)/%.cu.o)
	@echo '  AR    $@'
	$(Q)rm -f $@ && ar rcs $@ $^

$(program): $(BUILD)/src/main.o
$(engine): $(bench.c:%.c=$(BUILD)/%.o)
$(device): $(device.c:%.c=$(BUILD)/%.o)
$(table): $(table.c:%.c=$(BUILD)/%.o)
$(ranks): $(ranks.c:%.c=$(BUILD)/%.o)
$(program) $(engine) $(device) $(table) $(ranks): $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(lib) $(LDLIBS)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(BUILD)/tests/harness.o $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(if $(filter %_cuda,$@),$(lib) -lstdc++) $(shell pkg-config --libs check) $(LDLIBS)

$(filter %_cuda,$(tests)): $(shim.o)

$(BUILD)/tests/%_gpu: $(BUILD)/tests/%_cuda.o $(BUILD)/tests/harness.o $(lib)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
