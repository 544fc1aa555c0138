# Installs the library for C hosts: the versioned shared library with its links, the header, and the files for pkg-config
# and CMake. OpenBLAS for the portable kernels is installed beside it if it was built; BLAS= leaves it out.
#
#   make install [PREFIX=/usr/local] [DESTDIR=] [LIBDIR=PREFIX/lib] [LIBRARY=.build/release/libpixart.so] [BLAS=]
#   make uninstall                 with the same variables
#
# The top-level Makefile includes this file. Without it, use `make -f packaging/install.mk install`.

INSTALL_ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)

# MAJOR.MINOR.PATCH
VERSION ?= $(shell cat $(INSTALL_ROOT)/VERSION)
MAJOR = $(firstword $(subst ., ,$(VERSION)))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LIBRARY ?= .build/release/libpixart.so
INSTALL ?= install

INSTALL_LIBRARY = $(if $(filter /%,$(LIBRARY)),$(LIBRARY),$(INSTALL_ROOT)/$(LIBRARY))
# It is loaded from the library's folder, under this name.
INSTALLED_BLAS = libpixart-blas.so.1
BLAS ?= $(wildcard $(dir $(INSTALL_LIBRARY))$(INSTALLED_BLAS))
INSTALL_TEMPLATES = $(INSTALL_ROOT)/packaging
INSTALL_FILL = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
	-e 's|@VERSION@|$(VERSION)|g' -e 's|@MAJOR@|$(MAJOR)|g'
INSTALLED_LIB = $(DESTDIR)$(LIBDIR)
INSTALLED_CMAKE = $(INSTALLED_LIB)/cmake/pixart

.PHONY: install uninstall

install: ## Install library, header, pkg-config and CMake files (PREFIX=/usr/local)
	@test -f $(INSTALL_LIBRARY) || { echo "$(INSTALL_LIBRARY): build it first: make build"; exit 1; }
	$(INSTALL) -d $(INSTALLED_LIB)/pkgconfig $(INSTALLED_CMAKE) $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 $(INSTALL_ROOT)/include/pixart.h $(DESTDIR)$(INCLUDEDIR)/pixart.h
	$(INSTALL) -m 644 $(INSTALL_ROOT)/include/pixart.hpp $(DESTDIR)$(INCLUDEDIR)/pixart.hpp
	$(INSTALL) -m 755 $(INSTALL_LIBRARY) $(INSTALLED_LIB)/libpixart.so.$(VERSION)
	$(if $(BLAS),$(INSTALL) -m 755 $(BLAS) $(INSTALLED_LIB)/$(INSTALLED_BLAS))
	ln -sf libpixart.so.$(VERSION) $(INSTALLED_LIB)/libpixart.so.$(MAJOR)
	ln -sf libpixart.so.$(MAJOR) $(INSTALLED_LIB)/libpixart.so
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/pkgconfig/pixart.pc.in > $(INSTALLED_LIB)/pkgconfig/pixart.pc
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/cmake/pixart-config.cmake.in > $(INSTALLED_CMAKE)/pixart-config.cmake
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/cmake/pixart-config-version.cmake.in > $(INSTALLED_CMAKE)/pixart-config-version.cmake

uninstall: ## Remove the installed files
	rm -f $(DESTDIR)$(INCLUDEDIR)/pixart.hpp
	rm -f $(DESTDIR)$(INCLUDEDIR)/pixart.h $(INSTALLED_LIB)/libpixart.so $(INSTALLED_LIB)/libpixart.so.$(MAJOR) \
		$(INSTALLED_LIB)/libpixart.so.$(VERSION) $(INSTALLED_LIB)/$(INSTALLED_BLAS) \
		$(INSTALLED_LIB)/pkgconfig/pixart.pc
	rm -rf $(INSTALLED_CMAKE)
