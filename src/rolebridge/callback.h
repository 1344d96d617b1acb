#ifndef RB_ROLEBRIDGE_CALLBACK_H
#define RB_ROLEBRIDGE_CALLBACK_H

#include <glib.h>

/**
 * RbCallback: the loopback listener that the browser is sent back to (RFC 8252 §7.3): 127.0.0.1, a free port,
 * one path, one answer with the right state.
 */
typedef struct RbCallback RbCallback;

/** rb_callback_new: listens; @state is what the answer must carry. */
RbCallback *rb_callback_new(const char *state, GError **error);
void rb_callback_free(RbCallback *callback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbCallback, rb_callback_free)

/** rb_callback_uri: http://127.0.0.1:PORT/oauth/callback */
const char *rb_callback_uri(const RbCallback *callback);

/**
 * rb_callback_wait: waits up to @wait_s for the browser.
 * Returns: (transfer full): the code, or NULL with sso.access_denied or sso.expired_token
 */
char *rb_callback_wait(RbCallback *callback, guint wait_s, GError **error);

#endif
