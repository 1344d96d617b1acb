#ifndef RB_SANDBOX_PAGE_H
#define RB_SANDBOX_PAGE_H

#include "sandbox/http.h"

/* The sandbox's few pages share one frame. Everything put into them is escaped by rb_box_page_add. */

/** RbBoxPage: HTML under construction. */
typedef struct {
    GString *html;
    char nonce[33]; /* for its one script */
} RbBoxPage;

/** rb_box_page_begin: @kind: "idp" or "aws": whose page it is; @title escaped. */
void rb_box_page_begin(RbBoxPage *page, const char *kind, const char *title);

/** rb_box_page_add: appends @format, every %s of it escaped. */
void rb_box_page_add(RbBoxPage *page, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** rb_box_page_end: closes the page and makes it the answer. */
void rb_box_page_end(RbBoxPage *page, RbBoxAnswer *answer, int status);

/** rb_box_page_problem: a whole page that says what happened and what to do. */
void rb_box_page_problem(RbBoxAnswer *answer, const char *kind, int status, const char *what,
                         const char *next);

#endif
