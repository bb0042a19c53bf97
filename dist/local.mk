# SPDX-License-Identifier: MIT
#
# What is installed beside programs and manuals: permission for ordinary
# users, services, examples, completion of the shells.  Packages set the
# directories; the defaults stay below the prefix.

udevrulesdir = $(prefix)/lib/udev/rules.d
dist_udevrules_DATA = dist/60-uzswap.rules
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = dist/uzswap.conf
systemdunitdir = $(prefix)/lib/systemd/system
dist_systemdunit_DATA = dist/uzswap-metrics.socket dist/uzswap-uffd.socket
nodist_systemdunit_DATA = dist/uzswap-metrics.service dist/uzswap-uffd.service
EXTRA_DIST += dist/uzswap-metrics.service.in dist/uzswap-uffd.service.in
CLEANFILES += $(nodist_systemdunit_DATA)

SUFFIXES = .service.in .service
.service.in.service:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
		-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|' \
		-e 's|@bindir[@]|$(bindir)|' $< >$@

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/Dockerfile \
	examples/dropin.conf \
	examples/grafana.json \
	examples/k8s.yaml \
	examples/prometheus/alerts.yml \
	examples/uzswap.conf

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completion/zctl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completion/_zctl
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completion/zctl.fish
