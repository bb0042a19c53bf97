#!/bin/sh
# SPDX-License-Identifier: MIT
#
# manual.sh - the manual pages agree with the program: uzswap-options(7) with the
# table of options in include/uzswap/options.h, zctl-COMMAND(1) with --help.
# Words of zctl(1) need not be repeated there.
#
#   manual.sh --print     the list of uzswap-options(7) as it should be

. "$(dirname "$0")/lib.sh"

page7=$UZ_SRCDIR/man/uzswap.7
options7=$UZ_SRCDIR/man/uzswap-options.7
page1=$UZ_SRCDIR/man/zctl.1

# What the table says, as man(7) source.
compile_c print_options -I"$UZ_SRCDIR/include" <<'END' ||
#include <ctype.h>
#include <stdio.h>
#include <uzswap/options.h>

static const struct uzswap_option_row rows[] = {
	UZSWAP_OPTIONS(UZSWAP_OPTION_ROW)
};

static const char *const types[UZSWAP_NR_TYPES] = {
	[UZSWAP_BOOL] = "Yes or no",
	[UZSWAP_SIZE] = "A size",
	[UZSWAP_SIZE_PCT] = "A size or a share",
	[UZSWAP_TIME] = "A time",
	[UZSWAP_PERCENT] = "A percentage",
	[UZSWAP_COUNT] = "A number",
	[UZSWAP_FD] = "A descriptor",
	[UZSWAP_CHOICE] = "One of",
	[UZSWAP_CODECS] = "Codecs",
	[UZSWAP_TEXT] = "A text",
};

static void put(const char *text)
{
	for (; *text; text++)
		printf(*text == '-' ? "\\-" : "%c", *text);
}

static void bounds(const struct uzswap_option_row *row)
{
	if (row->type == UZSWAP_TEXT)
		printf("At most %s characters.\n", row->max);
	else if (row->min[0])
		printf("From %s to %s%s.\n", row->min, row->max,
		       row->type == UZSWAP_SIZE_PCT ? ", or 1% to 100%" : "");
	if (row->zero[0])
		printf("0: %s.\n", row->zero);
}

int main(void)
{
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct uzswap_option_row *row = &rows[i];

		printf(".TP\n.BR %s \" (\" %s )\n%s", row->env, row->name,
		       types[row->type]);
		if (row->type == UZSWAP_CHOICE) {
			printf("\n.BR ");
			put(row->choices);
			printf(" ,\ndefault ");
		} else {
			printf(", default ");
		}
		put(*row->initial ? row->initial : "none");
		printf(".\n");
		printf("%c%s.\n", toupper((unsigned char)row->help[0]),
		       row->help + 1);
		bounds(row);
		if (row->when == UZSWAP_NOW)
			printf("Can be changed while the program runs.\n");
	}
	return 0;
}
END
	broken 'the table of options does not compile'
"$work/print_options" >"$work/want" || broken 'print_options failed'

if [ "$1" = --print ]; then
	cat "$work/want"
	exit 0
fi

sed '1,/^\.\\" options, by manual.sh/d; /^\.\\" end of options/,$d' \
	"$options7" >"$work/have"
diff "$work/have" "$work/want" >"$work/diff" ||
	fault "uzswap-options(7) is not as manual.sh --print: $(cat "$work/diff")"

# what is interposed
for symbol in $(sed -n '/global:/,/local:/s/^[[:space:]]*\([a-zA-Z_0-9]*\);$/\1/p' \
	"$UZ_SRCDIR/src/hooks/exports.map"); do
	sed -n '/^Interposed:/,/^The allocator/p' "$page7" |
		grep -q -e " ${symbol}[,.]" ||
		fault "uzswap(7) does not name $symbol of exports.map"
done

# every option and column of a command is in its page, and the reverse
plain()
{
	sed 's/\\-/-/g; s/\\f[BIRP]//g' "$@"
}

# options_of PAGE: what it defines
options_of()
{
	plain "$1" | grep -E '^\.(TP|B|BR|BI) .*--' |
		grep -oE -e '--[a-z][a-z-]*' | sort -u
}

commands=$("$zctl" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fault 'zctl help names no commands'
"$zctl" --help >"$work/all"
for command in $commands; do
	[ "$command" != help ] || continue
	page=$UZ_SRCDIR/man/zctl-$command.1
	[ -f "$page" ] || { fault "no $page"; continue; }
	grep -qF "zctl\\-$command (1)" "$page1" ||
		fault "zctl(1) does not name zctl-$command(1)"
	"$zctl" "$command" --help >"$work/help" || fault "$command --help"
	cat "$work/help" >>"$work/all"
	for word in $(grep -oE -e '--[a-z][a-z-]*' "$work/help" | sort -u) \
		$(sed -n '/^Columns:/,/^$/s/^  \([A-Z/a-z0-9]*\) .*/\1/p' \
			"$work/help"); do
		case $word in --usage) continue ;; esac
		plain "$page" "$page1" | grep -qF -e "$word" ||
			fault "zctl-$command(1) lacks $word"
	done
	for word in $(options_of "$page"); do
		grep -qF -e "$word" "$work/help" ||
			fault "zctl $command has no $word"
	done
done
for word in $(options_of "$page1"); do
	grep -qF -e "$word" "$work/all" || fault "zctl has no $word"
done
finish
