# Debian packages, and tests of packages and builds. The top-level Makefile includes this file.

DEB_TOOLS := debhelper dh-python lintian debootstrap

.PHONY: deb test-deb test-reproducible

deb: build ## Make Debian packages of library, development files, Python and command, in build/deb
	@$(call install_missing,$(DEB_TOOLS))
	packaging/debian/make_deb $(LIBRARY) build/deb

test-deb: deb ## Test the Debian packages in a fresh Debian 12 (needs root and Debian's packages)
	Tests/packaging/test_deb.sh build/deb

test-reproducible: check-deps ## Build twice, in two folders, and compare byte by byte
	Tests/reproducible
