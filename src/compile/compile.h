#ifndef RB_COMPILE_COMPILE_H
#define RB_COMPILE_COMPILE_H

#include "iam/policy.h"
#include "mapping/library.h"

enum {
    RB_COMPILE_ATTACHMENTS = 20, /* quotas of an account as AWS gives them (reference §8.5) */
    RB_COMPILE_POLICIES = 1500,
    RB_COMPILE_ROLES = 1000,
    RB_COMPILE_POLICY_NAME = 128,
};

/*
 * Task policies + business roles + account → what must stand in that account's IAM. Pure: the same snapshot
 * gives the same values, in the same order, with the same bytes.
 *
 * What is used in an account is there: a role that some assignment may bring there, the task policies of such
 * roles, one managed policy each, shared by every role; the provider that its trust policies name. Names do
 * not depend on what stands beside them. Where an assignment catches the account from a name, the role stands
 * in every account that has the parameters it needs.
 */

/**
 * A customer managed policy: one task policy, or a part of one that is longer than a policy may be. Names of
 * task policies and roles have no "." and no "@", so none of these is ever another one's:
 *     run-data-experiment         the task policy; its first part
 *     run-data-experiment.2       its second part
 *     run-data-experiment@tester  a task policy that names ${role} is another one for each role
 *     network.0f1e2d3c4b          denies what does not come from the networks of a role's source_ip
 */
typedef struct {
    const char *name;
    const char *arn; /* arn:P:iam::ACCOUNT:policy/rolebridge/NAME */
    const char *description;
    const RbTaskPolicy *task; /* NULL: networks */
    const RbPolicy *document; /* variables of the mapping put in; places are those of the mapping */
    const char *text;         /* of it, compact: what is uploaded and counted */
    const RbTag *tags;        /* sorted by key */
    guint n_tags;
} RbCompiledPolicy;

typedef struct {
    const char *name, *arn, *description;
    const RbRole *role;
    gint64 max_session_s;
    const RbPolicy *trust; /* its place is the account's */
    const char *trust_text;
    const RbCompiledPolicy *const *policies; /* NULL-terminated */
    const char *const *managed;              /* ARNs of policies that are not ours, NULL-terminated, sorted */
    const RbTag *tags;                       /* sorted by key */
    guint n_tags;
} RbCompiledRole;

typedef struct {
    RbIssueMethod method; /* web-identity: an OIDC provider; saml: a SAML provider */
    const char *arn;
    const char *url;      /* OIDC: https://… */
    const char *audience; /* OIDC: the client id */
    const char *name;     /* SAML */
    const char *metadata; /* SAML: text of bridge.metadata; NULL: the mapping has none */
} RbCompiledProvider;

typedef struct {
    const RbAccount *account;
    const char *path;                 /* "/rolebridge/" */
    const RbCompiledPolicy *policies; /* by name */
    guint n_policies;
    const RbCompiledRole *roles; /* by name */
    guint n_roles;
    const RbCompiledProvider *provider; /* NULL: assume-role */
    const RbTag *tags;                  /* on everything that is ours: {rolebridge: "managed", …} */
    guint n_tags;
} RbCompiledAccount;

/** RbCompiled: every account of a snapshot, by id. Owns all of the above; keeps the snapshot. */
typedef struct RbCompiled RbCompiled;

/**
 * rb_compile: @only: account names or ids, NULL: all. Quotas are kept: what cannot be is an error at the
 * statement, the role or the account that breaks one. Returns: (transfer full): NULL after an error
 */
RbCompiled *rb_compile(RbSnapshot *snapshot, const char *const *only, RbDiagnostics *problems);
void rb_compiled_free(RbCompiled *compiled);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbCompiled, rb_compiled_free)

const RbCompiledAccount *rb_compiled_accounts(const RbCompiled *compiled, guint *n);
/** rb_compiled_account: by name or id; NULL: not compiled. rb_compiled_role: by business role's name. */
const RbCompiledAccount *rb_compiled_account(const RbCompiled *compiled, const char *name);
const RbCompiledRole *rb_compiled_role(const RbCompiledAccount *account, const char *role);

#endif
