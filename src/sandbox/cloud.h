#ifndef RB_SANDBOX_CLOUD_H
#define RB_SANDBOX_CLOUD_H

#include "base/secret.h"
#include "sandbox/policy.h"
#include "sandbox/provider.h"

#include <glib.h>

/* The accounts of the sandbox's AWS: roles, users, and every set of credentials handed out. */

/** RbBoxRole: read-only. What is changed in IAM becomes a new one in its place; the old one stays readable.
 */
typedef struct {
    char *account, *partition;
    char *path; /* "/rolebridge/" */
    char *name; /* without its path */
    char *arn;  /* with it */
    char *id;   /* AROA… */
    gint64 max_session_s;
    RbBoxPolicy *trust;
    RbBoxPolicy *identity;                    /* NULL: may do nothing */
    RbBoxPolicy *boundary;                    /* NULL: there is none */
    char *trust_document, *identity_document; /* JSON; the latter may be NULL */
} RbBoxRole;

/** RbBoxPrincipal: who somebody is by the credentials they use. Reference-counted and read-only. */
typedef struct {
    gatomicrefcount refs;
    char *access_key_id;
    RbSecret *secret;
    RbSecret *token; /* NULL: long-lived credentials of a user or root */
    gint64 issued_at;
    gint64 expires_at; /* 0: never */
    char *account, *partition;
    char *arn, *user_id;
    gboolean root;
    const RbBoxRole *role; /* NULL: a user or root */
    char *session_name;
    char *source_identity;
    GHashTable *tags;       /* session tags, as written: key → value */
    GHashTable *transitive; /* of them, those that go on; keys in lower case */
    RbBoxPolicy *session_policy;
    RbBoxPolicy *identity; /* a user's; NULL: may do nothing */
    gboolean chained;      /* the session came from another role session */
} RbBoxPrincipal;

RbBoxPrincipal *rb_box_principal_ref(RbBoxPrincipal *principal);
void rb_box_principal_unref(RbBoxPrincipal *principal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxPrincipal, rb_box_principal_unref)

typedef struct RbBoxCloud RbBoxCloud;

RbBoxCloud *rb_box_cloud_new(void);
void rb_box_cloud_free(RbBoxCloud *cloud);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBoxCloud, rb_box_cloud_free)

typedef struct {
    const char *account, *partition;
    const char *path; /* "/rolebridge/" */
    const char *name;
    gint64 max_session_s;
    const char *trust;    /* JSON */
    const char *identity; /* JSON, or NULL */
    const char *boundary; /* JSON, or NULL */
    const char *id;       /* NULL: one that follows from the ARN */
} RbBoxRoleSpec;

/** rb_box_cloud_add_role: takes the place of one with its ARN. Returns: FALSE with @problem in words. */
gboolean rb_box_cloud_add_role(RbBoxCloud *cloud, const RbBoxRoleSpec *spec, char **problem);

/** rb_box_trust_here: (transfer full): @trust with @saml_url (or NULL) beside AWS's sign-in endpoints. */
char *rb_box_trust_here(const char *trust, const char *saml_url);

/** rb_box_cloud_remove_role: its sessions may do nothing from now on. */
void rb_box_cloud_remove_role(RbBoxCloud *cloud, const char *arn);

/** rb_box_cloud_roles: (transfer container): RbBoxRole, all there are. */
GPtrArray *rb_box_cloud_roles(RbBoxCloud *cloud);

/** rb_box_cloud_role: by ARN; NULL when there is none. */
const RbBoxRole *rb_box_cloud_role(RbBoxCloud *cloud, const char *arn);
guint rb_box_cloud_n_roles(RbBoxCloud *cloud);

/** rb_box_cloud_add_provider: takes the place of one with its ARN; @provider is taken over. */
void rb_box_cloud_add_provider(RbBoxCloud *cloud, RbBoxProvider *provider);
void rb_box_cloud_remove_provider(RbBoxCloud *cloud, const char *arn);

/** rb_box_cloud_provider: by ARN; NULL when there is none. */
RbBoxProvider *rb_box_cloud_provider(RbBoxCloud *cloud, const char *arn);

/** rb_box_cloud_add_user: a long-lived key; @name "root" is the account's root. @identity: JSON or NULL. */
gboolean rb_box_cloud_add_user(RbBoxCloud *cloud, const char *account, const char *name,
                               const char *access_key_id, RbSecret *secret, const char *identity,
                               char **problem);

/**
 * rb_box_cloud_may: what @caller's own policies say, as they are now: each of those there are (identity,
 * boundary, session policy) must allow; root may do anything. @named: what it is done to has allowed the
 * caller by name, so that only a deny counts in the identity policy. @why: (out): what stood against it
 */
gboolean rb_box_cloud_may(RbBoxCloud *cloud, const RbBoxPrincipal *caller, const char *action,
                          const char *resource, const RbBoxContext *context, gboolean named, char **why);

/** What a new role session carries. */
typedef struct {
    const RbBoxRole *role;
    const char *session_name;
    const char *source_identity; /* or NULL */
    GHashTable *tags;            /* or NULL */
    GHashTable *transitive;      /* or NULL */
    RbBoxPolicy *session_policy; /* taken over; or NULL */
    gint64 issued_at, expires_at;
    gboolean chained;
} RbBoxSessionSpec;

/** rb_box_cloud_start_session: (transfer full): hands out credentials and remembers them. */
RbBoxPrincipal *rb_box_cloud_start_session(RbBoxCloud *cloud, const RbBoxSessionSpec *spec);

/** rb_box_cloud_principal: (transfer full): whose key that is, expired ones too for an hour; NULL: nobody's.
 */
RbBoxPrincipal *rb_box_cloud_principal(RbBoxCloud *cloud, const char *access_key_id);

/** rb_box_cloud_sweep: forgets credentials an hour past their end. */
void rb_box_cloud_sweep(RbBoxCloud *cloud, gint64 now);

/* ---- AWS's identifiers (reference §1.8) ---- */

/** rb_box_access_key_new: (transfer full): "ASIA" and 16 characters that carry @account. */
char *rb_box_access_key_new(const char *account);

/** rb_box_access_key_account: (transfer full): the account id in a key id; NULL for what is no key id. */
char *rb_box_access_key_account(const char *access_key_id);

/** rb_box_unique_id: (transfer full): four letters of @prefix and 17 that follow from @name, always the same.
 */
char *rb_box_unique_id(const char *prefix, const char *name);

/** rb_box_request_id: (transfer full): a random UUID. */
char *rb_box_request_id(void);

#endif
