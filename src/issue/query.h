#ifndef RB_ISSUE_QUERY_H
#define RB_ISSUE_QUERY_H

#include "iam/sigv4.h"
#include "issue/issue.h"

#include <jansson.h>

/* AWS's Query protocol, as STS and IAM speak it: a form goes out, signed; XML comes back. */

/** A form body being built; wiped when freed. */
typedef struct RbForm RbForm;
RbForm *rb_form_new(const char *action);
/** rb_form_add: a NULL @value adds nothing. */
void rb_form_add(RbForm *form, const char *name, const char *value);
void rb_form_add_number(RbForm *form, const char *name, gint64 value);
GBytes *rb_form_end(RbForm *form); /* frees @form */

typedef struct {
    const char *url, *region, *service; /* region: it is signed for */
    RbCredentials *credentials;         /* whose; NULL: unsigned */
    GBytes *form;
    gsize max_answer; /* bytes */
} RbQueryCall;

/**
 * rb_query_send: one attempt of at most @ms milliseconds, signed anew: a date from before a long wait would
 * be refused. @keys: cache, or NULL. Returns: (transfer full): the answer whatever its status; NULL with a
 * fault
 */
RbHttpResponse *rb_query_send(RbHttp *http, RbSigv4Keys *keys, const RbQueryCall *call, gint64 now, guint ms,
                              GError **error);

/**
 * rb_query_read: an answer as JSON: an element with elements in it is an object, or an array where these are
 * `member` or `entry`; any other is a text, "" where it is empty. Attributes are left out. The root's name is
 * the one key of what is returned. No DTD, no comments, no element twice. Returns: (transfer full): NULL with
 * fault.sts: it is none
 */
json_t *rb_query_read(GBytes *xml, GError **error);

#endif
