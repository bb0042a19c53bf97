#!/bin/sh
# SPDX-License-Identifier: MIT
#
# report_html.sh REPORT.HTML - print it as C: profile_page_head[], up to the
# data, and profile_page_tail[], a string per line.

awk '
	function put(s) {
		gsub(/\\/, "\\\\", s)
		gsub(/"/, "\\\"", s)
		gsub(/\?\?/, "?\\?", s)
		printf "\t\"%s\"", s
	}
	BEGIN { print "const char *const profile_page_head[] = {" }
	{
		at = index($0, "@DATA@")
		if (at) {
			put(substr($0, 1, at - 1))
			print ",\n\tNULL\n};\n"
			print "const char *const profile_page_tail[] = {"
			$0 = substr($0, at + 6)
		}
		put($0)
		print " \"\\n\","
	}
	END { print "\tNULL\n};" }
' "$1"
