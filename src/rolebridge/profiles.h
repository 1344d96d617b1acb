#ifndef RB_ROLEBRIDGE_PROFILES_H
#define RB_ROLEBRIDGE_PROFILES_H

#include <glib.h>

/*
 * The block of ~/.aws/config that is ours: between two marker lines. Everything outside is never touched.
 */

/** One profile to be there. */
typedef struct {
    const char *name;
    const char *spec; /* ACCOUNT.ROLE */
    const char *account_id, *role;
} RbProfile;

/** How profiles get their credentials. */
typedef struct {
    const char *region;
    const char *program; /* of credential_process; not used with a session */
    const char
        *session; /* NULL: credential_process; else SDKs ask the bridge themselves, in this sso-session */
    const char *bridge, *start_url; /* of the session */
} RbProfileStyle;

/**
 * rb_profiles_merge: @config with our block replaced by one that holds @profiles (RbProfile, sorted by name);
 * an empty list takes the block away. Sections whose name is used outside the block, or in @beside (the
 * credentials file, which beats it), are left out and named in @taken: profiles by their name, others as
 * "sso-session NAME". Returns: (transfer full): the new text, or NULL with fault.file naming the line where a
 * marker is missing
 */
char *rb_profiles_merge(const char *config, const char *beside, const char *file, const GPtrArray *profiles,
                        const RbProfileStyle *style, GPtrArray *taken, GError **error);

/** rb_profiles_have_session: whether the profiles of our block in @config are of an sso-session. */
gboolean rb_profiles_have_session(const char *config);

/** rb_profiles_ours: (transfer full) (element-type utf8): the profiles of our block in @config; NULL: no
 * block. */
GPtrArray *rb_profiles_ours(const char *config);

/** rb_profiles_default_key: (transfer full): a setting of [default] in @text by which SDKs get credentials;
 * NULL: it has none. */
char *rb_profiles_default_key(const char *text);

/** rb_profiles_defined: (transfer full) (element-type utf8): which of @names the file @text defines. */
GPtrArray *rb_profiles_defined(const char *text, const GPtrArray *names);

/**
 * rb_profile_name: (transfer full): @pattern with {account}, {account_id} and {role} replaced; NULL when the
 * pattern has another placeholder or the result is no profile name (no blanks, brackets, control characters).
 */
char *rb_profile_name(const char *pattern, const char *account, const char *account_id, const char *role);

#endif
