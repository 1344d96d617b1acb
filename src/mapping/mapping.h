#ifndef RB_MAPPING_MAPPING_H
#define RB_MAPPING_MAPPING_H

#include "base/diagnostics.h"
#include "base/refusal.h"
#include "identity/identity.h"
#include "mapping/grant.h"

#include <glib.h>
#include <jansson.h>

/*
 * mappings/ → an immutable snapshot; snapshot + identity + context → decision with reasons. Pure: no clock,
 * no network, no log. Snapshots and decisions are reference-counted and shared between threads without locks.
 */
typedef struct RbSnapshot RbSnapshot;

/**
 * rb_snapshot_load: reads the whole directory; every mistake of every file goes to @problems, with file names
 * relative to @directory. Returns: (transfer full): the snapshot, or NULL when there was any error
 */
RbSnapshot *rb_snapshot_load(const char *directory, RbDiagnostics *problems);
RbSnapshot *rb_snapshot_ref(RbSnapshot *snapshot);
void rb_snapshot_unref(RbSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbSnapshot, rb_snapshot_unref)

/** rb_snapshot_digest: hex SHA-256 over the names and bytes of the files read: which mapping a decision was
 * made by. */
const char *rb_snapshot_digest(const RbSnapshot *snapshot);

typedef struct {
    guint n_accounts, n_policies, n_roles, n_assignments;
} RbSnapshotSize;
RbSnapshotSize rb_snapshot_size(const RbSnapshot *snapshot);

/**
 * rb_snapshot_ways: (transfer full): who gets @role in @account (name or id; NULL: any), in words, one group
 * a line: "group 'acme-data-science' (assignments.yaml:4)"; then assignments without groups: "provider 'ci',
 * when repository is 'acme/app' (assignments.yaml:9)". For somebody who gets nothing and asks why.
 */
GStrv rb_snapshot_ways(const RbSnapshot *snapshot, const char *account, const char *role);

/**
 * rb_snapshot_nearest: (transfer full): the assignments without groups that @identity comes nearest to, a
 * few, in words, and every fact that each of them misses: "release-pipeline (assignments.yaml:9): the
 * attribute ref must be 'refs/heads/main'; it is 'refs/heads/x'". Walks all of them: for explanations.
 */
GStrv rb_snapshot_nearest(const RbSnapshot *snapshot, const RbIdentity *identity, const char *account,
                          const char *role);

/**
 * rb_snapshot_check_providers: warns of every assignment whose `provider` is none of the NULL-terminated
 * @ids: it brings nothing to anybody.
 */
void rb_snapshot_check_providers(const RbSnapshot *snapshot, const char *const *ids, RbDiagnostics *problems);

/** rb_snapshot_uses: whether any account has issue.method @method. */
gboolean rb_snapshot_uses(const RbSnapshot *snapshot, RbIssueMethod method);

/** rolebridge as the accounts' identity provider, for rb_snapshot_check_issuer(). */
typedef struct {
    const char *url;                         /* of `issuer` in rolebridge.yaml; NULL: there is none */
    gboolean signs_tokens, signs_assertions; /* there is a key for it */
    const char *audience, *entity_id;        /* of tokens, of assertions; NULL: there is no `issuer` */
} RbIssuerFacts;

/**
 * rb_snapshot_check_issuer: errors for accounts that trust rolebridge itself (issue.method web-identity,
 * saml): there is no issuer or no key to sign with, or `provider_arn` is of another issuer than @facts->url;
 * and where `bridge` in accounts.yaml tells the accounts something else than the service does.
 */
void rb_snapshot_check_issuer(const RbSnapshot *snapshot, const RbIssuerFacts *facts,
                              RbDiagnostics *problems);

/** What is true of the moment and the request. A fact not known is a refusal where a role asks for it. */
typedef struct {
    gint64 now;            /* UTC seconds */
    const char *source_ip; /* the person's address, textual; NULL: not known */
} RbContext;

/** A near miss: an assignment named the pair, and something stood against it. */
typedef struct {
    const char *account, *account_name, *role, *role_title, *role_arn;
    RbRefusalCode code;
    const char *assignment; /* "assignments.yaml:12" */
    const char *group;      /* the person's group that matched; NULL: an assignment without groups */
    const RbClaim *claims;  /* of such a one, what did hold; ended by one whose attribute is NULL */
    const char
        *detail; /* in words, what was missing: "Mon-Fri 07:00-19:00 Europe/Berlin; it is Sat 10:12 there" */
    const char *owner; /* of the role: whom to ask */
} RbNearMiss;

typedef struct {
    const RbIdentity *identity;
    const char *snapshot_digest;
    const RbGrant *grants; /* sorted by account id, then role */
    guint n_grants;
    const RbNearMiss *refusals; /* sorted alike; a granted pair is not among them */
    guint n_refusals;
} RbDecision;

/** rb_decide: (transfer full): never fails; nothing matching is an empty decision. */
RbDecision *rb_decide(RbSnapshot *snapshot, RbIdentity *identity, const RbContext *context);
void rb_decision_free(RbDecision *decision);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbDecision, rb_decision_free)

/**
 * rb_decision_find: the grant for @account (id or name) and @role.
 * Returns: (transfer none): lives as long as @decision; NULL with the near miss's code, or
 * mapping.not_assigned
 */
const RbGrant *rb_decision_find(const RbDecision *decision, const char *account, const char *role,
                                GError **error);

/**
 * rb_decision_find_role_arn: the grant whose role_arn is exactly @role_arn, as AWS's own clients name what
 * they want. Returns: (transfer none): lives as long as @decision; NULL with the near miss's code, or
 * mapping.not_assigned
 */
const RbGrant *rb_decision_find_role_arn(const RbDecision *decision, const char *role_arn, GError **error);

/** rb_decision_wants_mfa: TRUE when some role was refused only for want of a second factor. */
gboolean rb_decision_wants_mfa(const RbDecision *decision);

/** rb_decision_to_json: (transfer full): the form of design §4; the same decision gives the same bytes when
 * dumped with JSON_PRESERVE_ORDER. */
json_t *rb_decision_to_json(const RbDecision *decision);

#endif
