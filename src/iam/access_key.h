#ifndef RB_IAM_ACCESS_KEY_H
#define RB_IAM_ACCESS_KEY_H

#include <glib.h>

/** rb_access_key_check: "AKIA…" or "ASIA…" and alike: 16 to 128 of `\w`, as STS documents them. */
gboolean rb_access_key_check(const char *access_key_id);

/** rb_access_key_long_lived: a key of an IAM user (AKIA…), which does not expire. */
gboolean rb_access_key_long_lived(const char *access_key_id);

/**
 * rb_access_key_account: the account id that keys made since about 2019 carry. A hint for a person: what it
 * says of an older key is meaningless, so nothing may be decided by it.
 * Returns: FALSE when the key is not of the 20-character form
 */
gboolean rb_access_key_account(const char *access_key_id, char account[13]);

#endif
