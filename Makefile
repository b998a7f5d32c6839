# SPDX-License-Identifier: MIT
# The short way in; CMakeLists.txt builds. `make help` lists the targets.

BUILD := build/release
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
CMAKE_FLAGS ?=
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14 clang-format) clang-format)
DEMO_REPORT ?= build/demo/spectrum.json

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: help setup build all demo test figure1 figure2 table3 reproduce install sanitize neon format format-check clean

help:
	@echo 'make setup         install the packages that are missing (Debian, Ubuntu), or say which'
	@echo 'make [build]       build ./linformer; CMAKE_FLAGS=... are taken at the first configuration'
	@echo 'make all           build the tests too'
	@echo 'make demo          set up, build, and show how low-rank the attention of a trained model is'
	@echo '                   CHECKPOINT=FOLDER_OR_FILE  TEXT="FILE..."  ARGS="more options"'
	@echo 'make test          set up, build, and run all tests'
	@echo 'make figure1       the paper'"'"'s Figure 1 beside ours in results/figure1; figure2 and table3 likewise'
	@echo '                   CHECKPOINT=FOLDER_OR_FILE  TEXT="FILE..."  BUDGET=10m  ARGS="more options"'
	@echo 'make reproduce     all that the paper ran, within BUDGET=10m, results/page.html and results/README.md'
	@echo 'make install       PREFIX=$(PREFIX)  DESTDIR=$(DESTDIR)'
	@echo 'make sanitize      build and test with AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make neon          build what computes for 64-bit ARM and test it in an emulator (g++-aarch64-linux-gnu, qemu-user)'
	@echo 'make format        rewrite the C++ sources with clang-format 14; format-check only looks'
	@echo 'make clean         remove everything that was built'

setup:
	@scripts/setup.sh

# CMake configures again by itself when its own files change; presets are not among those.
build/%/.configured: CMakePresets.json
	cmake --preset $* $(CMAKE_FLAGS)
	@touch $@

build: $(BUILD)/.configured
	@cmake --build $(BUILD) --parallel $(JOBS) --target linformer
	@ln -sfn $(BUILD)/linformer linformer

all: build
	@cmake --build $(BUILD) --parallel $(JOBS)

demo: setup build
	@mkdir -p $(dir $(DEMO_REPORT))
	./linformer analyze-spectrum $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(TEXT),--text $(TEXT)) \
	  --out $(DEMO_REPORT) --force $(ARGS)

test: setup all
	ctest --preset release --parallel $(JOBS)

reproduce_options = $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") $(if $(TEXT),--text $(TEXT)) \
  $(if $(BUDGET),--budget "$(BUDGET)") $(ARGS)

figure1 figure2 table3: build
	@scripts/setup.sh --figures
	./linformer reproduce $@ $(reproduce_options)
	@scripts/results_readme.sh

reproduce: build
	@scripts/setup.sh --figures
	./linformer reproduce all $(reproduce_options)
	@scripts/results_readme.sh

install: build
	cmake --install $(BUILD) --prefix "$(PREFIX)"

sanitize: build/sanitize/.configured
	@cmake --build build/sanitize --parallel $(JOBS)
	ctest --preset sanitize --parallel $(JOBS)

build/neon-packages/.unpacked: tests/neon/packages.sh
	tests/neon/packages.sh $(@D)
	@touch $@

build/neon/.configured: build/neon-packages/.unpacked

neon: build/neon/.configured
	@cmake --build build/neon --parallel $(JOBS) --target arithmetic_tests
	tests/neon/run.sh

cxx_files = $(shell git ls-files --cached --others --exclude-standard -- '*.h' '*.cpp')

format:
	$(CLANG_FORMAT) -i $(cxx_files)

format-check:
	@$(CLANG_FORMAT) --version
	@$(CLANG_FORMAT) --dry-run --Werror $(cxx_files)

clean:
	rm -rf build linformer
