# SPDX-License-Identifier: GPL-2.0
#
# Assembles a kernel tree from Debian's source, the hooks and the new files of
# this repository, and builds and tests it.  Everything lands in build/.
#
# Variables: KERNEL=6.12  or 6.1 or 7.3: the kernel line, one per patches/*/
#            TESTS="..."  make selftest, make reproduce: only these scripts
#            FORCE=1      make tree: throw away edits made in the tree
#            MEM=1G       memory of the guest, UML_ARGS="..." its arguments
#            TEST_SECONDS or SECONDS: how long tests with a duration last
#            MACHINE=qemu or uml       make smp: only there
#            SANITIZER=kasan or kcsan  make smp: only with this kernel for QEMU
#            MODE=flush, SEED=1, CUTS=100, CUT=7  make torture: see scripts/torture.sh
#            CPUS=4       make smp: processors, SMP_ARGS="..." kernel arguments
#                         in QEMU, UML_ARGS="..." those of user mode Linux
#            PATCHES="..."  make bisect: only these patches, by their numbers
#            KERNELS="6.1 7.3" TARGETS="uml kunit"  make matrix: only these
#            KERNELRELEASE=6.12.x+deb12-amd64  make modules: for that kernel

KERNEL ?= 6.12

SUPPORTED := $(patsubst patches/%/base,%,$(wildcard patches/*/base))
ifeq ($(filter $(KERNEL),$(SUPPORTED)),)
$(error KERNEL=$(KERNEL) is not supported; patches/ has hooks for: $(SUPPORTED))
endif

# bash counts in a variable called SECONDS: it travels under another name.
ifneq ($(SECONDS),)
TEST_SECONDS ?= $(SECONDS)
endif
unexport SECONDS

# The kernel's make has a KERNELRELEASE of its own.
export RELEASE := $(KERNELRELEASE)
unexport KERNELRELEASE

export KERNEL TESTS FORCE MEM UML_ARGS TEST_SECONDS SANITIZER MACHINE CPUS SMP_ARGS MODE SEED CUTS \
	CUT PATCHES KERNELS TARGETS

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help tree uml kunit selftest run style check matrix reproduce smp torture model \
	bench bench-quick bench-tables series bisect modules deb demo-debian selftest-debian clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  KERNEL=LINE          the line of kernels, one of: $(sort $(SUPPORTED))"

tree: ## assemble the kernel tree in build/KERNEL/tree (FORCE=1: drop edits made there)
	@scripts/tree.sh

uml: ## build the user mode Linux kernel that all tests boot
	@scripts/uml.sh

kunit: ## run the KUnit suites
	@scripts/kunit.sh

selftest: ## run the selftests, one boot each (TESTS="a.sh b.sh": only these)
	@scripts/selftest.sh

run: ## boot a guest and show the barriers at work
	@scripts/run.sh

style: ## checkpatch, sparse, coccicheck, gcc and clang W=1, documentation, shellcheck
	@scripts/style.sh

check: ## style, kunit, selftest and modules: everything a change has to pass
	@scripts/check.sh

matrix: ## the tests on all lines of kernels, as one table (KERNELS="6.1 7.3" TARGETS="kunit")
	@scripts/matrix.sh

reproduce: ## each problem on a stock kernel and with the series (TESTS="P1 P5": only these)
	@scripts/reproduce.sh

smp: ## suites, order and stress on several processors (SANITIZER=kasan: only that; MACHINE=uml)
	@scripts/smp.sh

torture: ## cut the power under load (SECONDS= or CUTS=, SEED=, MODE=; MODE=none: stock kernel)
	@scripts/torture.sh

model: ## check the model of the ordered sequencer with spin, and break it
	@scripts/model.sh

bench: ## what barriers cost and save against the stock kernel, ratios and bars (25 minutes)
	@scripts/bench.sh

bench-quick: ## the same in seven minutes, with fewer seeds and steps
	@scripts/bench.sh quick

bench-tables: ## write the figures that were measured last into the admin guide
	@scripts/bench-tables.sh

series: ## the patches as they would be posted, in build/KERNEL/series/
	@scripts/series.sh

bisect: ## build, boot and test each patch of the series (PATCHES="10 11": only these)
	@scripts/bisect.sh

modules: ## dm-mod for Debian's own kernel (KERNELRELEASE=...: for that one)
	@scripts/modules.sh

deb: ## the Debian package dm-rq-barrier-dkms
	@scripts/deb.sh

demo-debian: ## install the package on Debian, boot its own kernel with multipathd, remove it
	@scripts/demo-debian.sh

selftest-debian: ## the selftests on Debian's own kernel with the package (TESTS=...)
	@scripts/selftest-debian.sh

clean: ## remove build/
	@scripts/clean.sh
