/* SPDX-License-Identifier: MIT */
/*
 * The text of report.html, as pieces up to NULL: before the data and after.
 * profile_page_html.c is made of it by report_html.sh.
 */
#ifndef UZ_TOOLS_PROFILE_PAGE_HTML_H
#define UZ_TOOLS_PROFILE_PAGE_HTML_H

extern const char *const profile_page_head[];
extern const char *const profile_page_tail[];

#endif
