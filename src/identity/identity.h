#ifndef RB_IDENTITY_IDENTITY_H
#define RB_IDENTITY_IDENTITY_H

#include <glib.h>
#include <jansson.h>

/*
 * identity: what verification yields. Who somebody is, who says so, and how they signed in. Immutable once
 * built, reference-counted, shared between threads without locks.
 */

enum {
    RB_IDENTITY_MAX_GROUPS = 20000,
    RB_IDENTITY_MAX_ATTRIBUTES = 500,
    RB_IDENTITY_MAX_VALUES = 20000, /* of one attribute */
    RB_IDENTITY_MAX_TEXT = 4096,    /* bytes of a subject, group or attribute value */
};

/** One attribute and its values, in the order received. */
typedef struct {
    const char *name;
    const char *const *values; /* NULL-terminated */
} RbAttribute;

/**
 * RbIdentity: all fields are read-only. Text is valid UTF-8 without NUL and was read whole.
 * @name is who the person is in AWS: RoleSessionName and SourceIdentity. It is exactly what the identity
 * provider said (never repaired, so that two people cannot become one) and fits `[\w+=,.@-]{2,64}`.
 */
typedef struct {
    gatomicrefcount refs;
    const char *subject;       /* SAML NameID, OIDC sub */
    const char *name;          /* who this is in AWS */
    const char *provider;      /* the identity provider's id in rolebridge.yaml */
    const char *issuer;        /* SAML entityID, OIDC issuer */
    const char *const *groups; /* sorted, unique, NULL-terminated */
    guint n_groups;
    const RbAttribute *attributes; /* sorted by name, unique; ended by one whose name is NULL */
    guint n_attributes;
    gint64 authenticated_at;       /* AuthnInstant, auth_time: UTC seconds */
    gint64 groups_at;              /* when the group list was stated */
    gint64 expires_at;             /* SessionNotOnOrAfter; 0: the provider sets no end */
    gboolean mfa;                  /* proof of more than one factor, by the rules of rolebridge.yaml */
    const char *authn_context;     /* AuthnContextClassRef or acr; NULL: not said */
    const char *session_index;     /* SAML SessionIndex or OIDC sid; NULL: none */
    const char *name_id_format;    /* SAML, for logout; NULL: none */
    const char *name_qualifier;    /* SAML, for logout; NULL: none */
    const char *sp_name_qualifier; /* SAML, for logout; NULL: none */
} RbIdentity;

/**
 * rb_identity_new: copies @facts (its refs is ignored; groups and attributes in any order, duplicates
 * allowed: equal groups count once, equal attribute names are merged) after checking every limit, UTF-8 and
 * the name. Returns: (transfer full): the identity, or NULL with identity.*
 */
RbIdentity *rb_identity_new(const RbIdentity *facts, GError **error);

RbIdentity *rb_identity_ref(RbIdentity *identity);
void rb_identity_unref(RbIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbIdentity, rb_identity_unref)

/** rb_identity_check_name: whether @name can be an AWS session name as it is (STS RoleSessionName). */
gboolean rb_identity_check_name(const char *name, GError **error);

/** rb_identity_attribute: the values of attribute @name, NULL-terminated; NULL when it was not stated. */
const char *const *rb_identity_attribute(const RbIdentity *identity, const char *name);

/** rb_identity_has_group: whether @group, compared exactly, was stated. */
gboolean rb_identity_has_group(const RbIdentity *identity, const char *group);

/** rb_identity_to_json: (transfer full): everything, for the session record. */
json_t *rb_identity_to_json(const RbIdentity *identity);

/** rb_identity_from_json: (transfer full): the same identity again, or NULL with fault.internal for a broken
 * record. */
RbIdentity *rb_identity_from_json(const json_t *json, GError **error);

#endif
