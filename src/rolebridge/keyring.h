#ifndef RB_ROLEBRIDGE_KEYRING_H
#define RB_ROLEBRIDGE_KEYRING_H

#include "base/secret.h"

/*
 * The person's keyring (a freedesktop Secret Service: GNOME Keyring, KWallet, KeePassXC) by way of
 * secret-tool(1): secrets go through pipes alone, never argv.
 */

/** What one entry may hold; secret-tool cuts longer ones off without a word. */
#define RB_KEYRING_MAX 8000

/** rb_keyring_answers: whether there is a keyring that can be asked; @why (transfer full) says why not. */
gboolean rb_keyring_answers(char **why);
gboolean rb_keyring_store(const char *session, const char *key, const RbSecret *secret, GError **error);
/** rb_keyring_lookup: (transfer full): NULL when there is no such entry, or no keyring. */
RbSecret *rb_keyring_lookup(const char *session, const char *key);
/** rb_keyring_clear: removes every entry of @session. */
gboolean rb_keyring_clear(const char *session, GError **error);

#endif
