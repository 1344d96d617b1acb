#ifndef RB_MAPPING_GRANT_H
#define RB_MAPPING_GRANT_H

#include <glib.h>

/** How an account's credentials are obtained (accounts.yaml, `issue`). */
typedef enum { RB_ISSUE_ASSUME_ROLE, RB_ISSUE_WEB_IDENTITY, RB_ISSUE_SAML } RbIssueMethod;

typedef struct {
    const char *key, *value;
} RbTag;

/** An attribute that the sign-in, or the workload's token, states; and that value of it which counted. */
typedef struct {
    const char *attribute, *value;
} RbClaim;

/** Why a grant was given: one of the person's groups, or what else was stated; the assignment that named it;
 * the conditions that held. */
typedef struct {
    const char *group;      /* NULL: an assignment without groups */
    const RbClaim *claims;  /* of such a one, ended by one whose attribute is NULL; else NULL */
    const char *assignment; /* "assignments.yaml:4" */
    const char *const
        *conditions; /* in words, NULL-terminated: "department is 'Research'", "second factor" */
} RbReason;

/**
 * RbGrant: this identity may take this business role in this account, under these limits, for these reasons.
 * Read-only; lives as long as its RbDecision.
 */
typedef struct {
    const char *account; /* 12 digits */
    const char *account_name;
    const char *environment; /* label env, or NULL */
    const char *partition;
    const char *region; /* for the STS endpoint; NULL: the service's default */
    const char *role;   /* business role */
    const char *role_title;
    const char *role_purpose;
    const char *role_arn; /* arn:P:iam::ACCOUNT:role/rolebridge/ROLE */
    gint64 default_session_s;
    gint64 max_session_s;      /* already capped at 3600 for assume-role: role chaining */
    gint64 role_max_session_s; /* what the business role itself allows, for messages */
    gboolean chained;          /* that cap applies */
    gboolean privileged;
    const RbTag *tags; /* session tags, sorted by key */
    guint n_tags;
    RbIssueMethod method;
    const char *provider_arn;   /* web-identity, saml */
    const char *external_id;    /* assume-role, or NULL */
    const char *session_policy; /* compact JSON, or NULL */
    const RbReason *reasons;
    guint n_reasons;
} RbGrant;

#endif
