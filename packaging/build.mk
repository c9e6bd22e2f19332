# SPDX-License-Identifier: GPL-2.0-only
#
# Debian packages. dpkg-buildpackage wants debian/ at the top: it gets a copy of the tree, of
# what git would have in it. DEB_VERSION makes packages of another version, for the tests. By
# sed: where nothing is installed yet, dpkg-dev's programs are not there to be asked.

DEB_OUT := $(BUILD)/deb
DEB_VERSION ?= $(shell sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
DEB_STAGE := $(DEB_OUT)/stage-$(DEB_VERSION)/redoubt-$(DEB_VERSION)

deb: deps ## build redoubt-dkms, redoubt-guest-dkms, redoubt-tools into build/deb/
	@rm -rf $(DEB_OUT)/stage-$(DEB_VERSION)
	@mkdir -p $(DEB_STAGE)
	@git ls-files -z --cached --others --exclude-standard --deduplicate | \
		rsync -a --from0 --ignore-missing-args --files-from=- ./ $(DEB_STAGE)/
	@cp -a packaging/debian $(DEB_STAGE)/
	@sed -i '1s/([^)]*)/($(DEB_VERSION))/' $(DEB_STAGE)/debian/changelog
	@cd $(DEB_STAGE) && DEB_BUILD_OPTIONS=nocheck \
		dpkg-buildpackage --host-arch arm64 --build=full --no-sign >../build.log 2>&1 || \
		{ tail -n 40 ../build.log; exit 1; }
	@mv $(DEB_OUT)/stage-$(DEB_VERSION)/redoubt*_$(DEB_VERSION)* $(DEB_OUT)/
	@rm -rf $(DEB_OUT)/stage-$(DEB_VERSION)
	@ls $(DEB_OUT)/*_$(DEB_VERSION)_*.deb

lint-deb: deb ## what lintian has to say about the packages: nothing
	@lintian --allow-root --fail-on error,warning,info $(DEB_OUT)/redoubt_$(DEB_VERSION)_arm64.changes
	@echo 'lintian has nothing to say'

# An old version to upgrade from, and the one of this tree. Half an hour on a quiet machine, an
# hour on a busy one: DKMS compiles on an emulated CPU.
test-packages: module-4k rootfs lint-deb ## install, upgrade, remove, purge them on an emulated machine
	@$(MAKE) deb DEB_VERSION=0.0.9
	@$(PYTHON) tests/system/run_group.py test-packages -s

.PHONY: deb lint-deb test-packages
