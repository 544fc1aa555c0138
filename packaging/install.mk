# Installs the library for C hosts: the versioned shared library with its links, the header, the files for pkg-config and
# CMake, and the licences. OpenBLAS for the portable kernels is installed beside the library if it was built; BLAS= leaves
# it out.
#
#   make install [PREFIX=/usr/local] [DESTDIR=] [LIBDIR=PREFIX/lib] [INCLUDEDIR=PREFIX/include]
#                [DOCDIR=PREFIX/share/doc/pixart] [LIBRARY=.build/release/libpixart.so] [BLAS=]
#   make install-strip             the same, without symbols and debug information
#   make uninstall                 with the same variables
#
# The installed prefix can be moved. The top-level Makefile includes this file. Without it, use
# `make -f packaging/install.mk install`.

INSTALL_ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)

# MAJOR.MINOR.PATCH
VERSION ?= $(shell cat $(INSTALL_ROOT)/VERSION)
MAJOR = $(firstword $(subst ., ,$(VERSION)))
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DOCDIR ?= $(PREFIX)/share/doc/pixart
LIBRARY ?= .build/release/libpixart.so
INSTALL ?= install

INSTALL_LIBRARY = $(if $(filter /%,$(LIBRARY)),$(LIBRARY),$(INSTALL_ROOT)/$(LIBRARY))
# It is loaded from the library's folder, under this name.
INSTALLED_BLAS = libpixart-blas.so.1
BLAS ?= $(wildcard $(dir $(INSTALL_LIBRARY))$(INSTALLED_BLAS))
INSTALLED_HEADERS = $(INSTALL_ROOT)/include/pixart.h $(INSTALL_ROOT)/include/pixart.hpp
INSTALLED_LICENCES = $(INSTALL_ROOT)/LICENSE $(INSTALL_ROOT)/THIRD-PARTY
INSTALLED_LIB = $(DESTDIR)$(LIBDIR)
INSTALLED_CMAKE = $(INSTALLED_LIB)/cmake/pixart

# The files for pkg-config and CMake name places by way of their own folder, so the prefix can be moved. Places outside
# the prefix stay absolute. So does everything in /usr: pkg-config knows that compilers search /usr/include without an
# option only if the path is spelled so, and a sysroot's prefix must not be added twice.
inside = $(filter $(abspath $(PREFIX))/%,$(abspath $(1)))
from = $(shell realpath -ms --relative-to=$(1) $(2))
in_prefix = $(if $(inside),$${prefix}/$(call from,$(PREFIX),$(1)),$(abspath $(1)))
MOVABLE = $(and $(inside_lib),$(filter-out /usr,$(abspath $(PREFIX))))
inside_lib = $(call inside,$(LIBDIR))
PC_PREFIX = $(if $(MOVABLE),$${pcfiledir}/$(call from,$(LIBDIR)/pkgconfig,$(PREFIX)),$(abspath $(PREFIX)))
CMAKE_HEADERS = $(if $(and $(inside_lib),$(call inside,$(INCLUDEDIR))),$\
	$${pixart_folder}/$(call from,$(LIBDIR)/cmake/pixart,$(INCLUDEDIR)),$(abspath $(INCLUDEDIR)))
INSTALL_FILL = sed -e 's|@PREFIX@|$(PC_PREFIX)|' -e 's|@LIBDIR@|$(call in_prefix,$(LIBDIR))|' \
	-e 's|@INCLUDEDIR@|$(call in_prefix,$(INCLUDEDIR))|' -e 's|@HEADERS@|$(CMAKE_HEADERS)|' \
	-e 's|@VERSION@|$(VERSION)|g' -e 's|@MAJOR@|$(MAJOR)|g'
INSTALL_TEMPLATES = $(INSTALL_ROOT)/packaging

.PHONY: install install-strip uninstall

install: ## Install library, header, pkg-config and CMake files (PREFIX=/usr/local)
	@test -f $(INSTALL_LIBRARY) || { echo "$(INSTALL_LIBRARY): build it first: make build"; exit 1; }
	$(INSTALL) -d $(INSTALLED_LIB)/pkgconfig $(INSTALLED_CMAKE) $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 $(INSTALLED_HEADERS) $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) $(STRIP_OPTION) -m 755 $(INSTALL_LIBRARY) $(INSTALLED_LIB)/libpixart.so.$(VERSION)
	$(if $(BLAS),$(INSTALL) $(STRIP_OPTION) -m 755 $(BLAS) $(INSTALLED_LIB)/$(INSTALLED_BLAS))
	ln -sf libpixart.so.$(VERSION) $(INSTALLED_LIB)/libpixart.so.$(MAJOR)
	ln -sf libpixart.so.$(MAJOR) $(INSTALLED_LIB)/libpixart.so
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/pkgconfig/pixart.pc.in > $(INSTALLED_LIB)/pkgconfig/pixart.pc
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/cmake/pixart-config.cmake.in > $(INSTALLED_CMAKE)/pixart-config.cmake
	$(INSTALL_FILL) $(INSTALL_TEMPLATES)/cmake/pixart-config-version.cmake.in > $(INSTALLED_CMAKE)/pixart-config-version.cmake
	$(INSTALL) -m 644 $(INSTALLED_LICENCES) $(DESTDIR)$(DOCDIR)

install-strip: STRIP_OPTION = -s
install-strip: install ## The same without symbols and debug information

uninstall: ## Remove the installed files
	rm -f $(DESTDIR)$(INCLUDEDIR)/pixart.h $(DESTDIR)$(INCLUDEDIR)/pixart.hpp \
		$(INSTALLED_LIB)/libpixart.so $(INSTALLED_LIB)/libpixart.so.$(MAJOR) \
		$(INSTALLED_LIB)/libpixart.so.$(VERSION) $(INSTALLED_LIB)/$(INSTALLED_BLAS) \
		$(INSTALLED_LIB)/pkgconfig/pixart.pc $(patsubst $(INSTALL_ROOT)/%,$(DESTDIR)$(DOCDIR)/%,$(INSTALLED_LICENCES))
	rm -rf $(INSTALLED_CMAKE)
	if [ -d $(DESTDIR)$(DOCDIR) ]; then rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DOCDIR); fi
