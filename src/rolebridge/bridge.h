#ifndef RB_ROLEBRIDGE_BRIDGE_H
#define RB_ROLEBRIDGE_BRIDGE_H

#include "rolebridge/cli.h"

/* Calls to the bridge. Errors it states come back as the same refusal or fault; anything else is
 * fault.network. */

/** rb_bridge_post: (transfer full): POSTs @body as JSON to @path; the JSON answer. @body: (transfer full). */
json_t *rb_bridge_post(RbCli *cli, const char *path, json_t *body, GError **error);

/**
 * rb_bridge_get: (transfer full): GETs @path?@query as the person signed in (@query NULL: none). @bearer:
 * NULL for the cached sign-in, refreshed when due.
 */
json_t *rb_bridge_get(RbCli *cli, const char *path, const char *query, GError **error);

/** rb_bridge_sign_out: ends @access_token at the bridge. */
gboolean rb_bridge_sign_out(RbCli *cli, const RbSecret *access_token, GError **error);

/** rb_bridge_text, _integer: a required member of an answer. NULL / FALSE with fault.network when it is not
 * there. */
const char *rb_bridge_text(const json_t *answer, const char *member, GError **error);
gboolean rb_bridge_integer(const json_t *answer, const char *member, gint64 *value, GError **error);

#endif
