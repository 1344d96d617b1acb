#ifndef RB_MAPPING_LIBRARY_H
#define RB_MAPPING_LIBRARY_H

#include "base/diagnostics.h"
#include "iam/policy.h"
#include "mapping/condition.h"
#include "mapping/mapping.h"
#include "mapping/when.h"

/*
 * What a snapshot is made of, for those who compile, review or lint it. Read-only: all of it lives as long as
 * the snapshot. Whoever only asks who gets what needs mapping/mapping.h alone.
 */

typedef struct {
    RbPlace place;
    const char *id, *name, *partition, *region, *role_path, *provider_arn, *external_id, *environment;
    RbIssueMethod method;
    GHashTable *labels, *parameters; /* text → text, both in the arena */
} RbAccount;

typedef struct {
    RbPlace place;
    const char *name;
    const char *task;   /* "Run Data Experiment" */
    RbPolicy *document; /* with ${…} of the mapping in it */
    const char **needs; /* parameters of the account that it names, NULL-terminated */
    gboolean used, broken;
} RbTaskPolicy;

/** What accounts trust: `bridge` in accounts.yaml. */
typedef struct {
    RbPlace place;
    const char *url;       /* the issuer of tokens: "https://bridge.acme.example" */
    const char *host;      /* the same as IAM writes it: without the scheme */
    const char *audience;  /* of tokens */
    const char *entity_id; /* the issuer of assertions */
    const char *principal; /* ARN of the service's own role, for assume-role accounts; NULL: not said */
    const char *metadata;  /* text of the SAML metadata file that `metadata` names; NULL: it names none */
} RbBridge;

/** A tag's value: literal, attribute, literal, attribute, …, literal; NULL-terminated. */
typedef struct {
    const char *key;
    const char **parts;
} RbTagTemplate;

typedef struct {
    RbPlace place;
    const char *name, *title, *owner, *purpose;
    guint index;          /* its rank by name */
    GPtrArray *policies;  /* RbTaskPolicy */
    const char **managed; /* policies of AWS's or others' by name or ARN, NULL-terminated */
    gint64 default_s, max_s;
    gboolean privileged, used, broken;
    const RbNetwork *networks;
    guint n_networks;
    RbHours *hours; /* or NULL */
    const char *networks_text, *hours_text;
    const RbTagTemplate *tags;
    guint n_tags;
    RbPolicy *session_policy;  /* with ${…} of the mapping in it, or NULL */
    const char **policy_needs; /* parameters that it names */
    const char **words;        /* conditions in words */
    const guint *duties;       /* separation_of_duties rules that name it */
    guint n_duties;
} RbRole;

/** "${name}" among the accounts, as an expression of a `when` entry catches it. */
typedef struct {
    guint when;       /* the entry */
    const char *name; /* NULL: the end of the list */
} RbWhenCapture;

typedef struct {
    RbPlace place;
    RbRole *role;
    gboolean by_claims;   /* it names no groups: `provider` and `when` alone bring the role */
    const char *provider; /* or NULL */
    const RbWhen *when;
    guint n_when;
    const guint *accounts; /* indices, ascending */
    guint n_accounts;
    const char **captures;              /* "${name}" among the accounts, caught by groups; NULL-terminated */
    const RbWhenCapture *when_captures; /* caught by `when` */
    const char **words;                 /* conditions in words, the role's behind its own */
} RbAssignment;

typedef struct {
    RbPlace place;
    RbRole **roles;
    guint n_roles;
    const char *reason;
} RbDuties;

/** `lint: [{ ignore: RULE, reason: … }]` of a file: what its author has thought about, and why. */
typedef struct {
    RbPlace place;
    const char *rule, *reason;
} RbIgnore;

/** rb_snapshot_ignores: (element-type RbIgnore) (transfer none): in the order of the files. Whether there is
 * such a rule is for who lints to say. */
const GArray *rb_snapshot_ignores(const RbSnapshot *snapshot);

/** rb_snapshot_accounts (RbAccount, by id), _roles (RbRole, by name), _policies (RbTaskPolicy): (transfer
 * none). */
const GPtrArray *rb_snapshot_accounts(const RbSnapshot *snapshot);
const GPtrArray *rb_snapshot_roles(const RbSnapshot *snapshot);
const GPtrArray *rb_snapshot_policies(const RbSnapshot *snapshot);

/** rb_snapshot_bridge: what accounts trust; NULL: accounts.yaml does not say. */
const RbBridge *rb_snapshot_bridge(const RbSnapshot *snapshot);

/** rb_snapshot_managed: the document of a policy that is not ours, as RbRole.managed names it (a name or an
 * ARN); NULL: managed/ does not have it, so what it allows is not known. */
const RbPolicy *rb_snapshot_managed(const RbSnapshot *snapshot, const char *name);

/** rb_snapshot_assignment: the @i-th of rb_snapshot_size().n_assignments, in the order of the files. */
const RbAssignment *rb_snapshot_assignment(const RbSnapshot *snapshot, guint i);

/** rb_snapshot_duty: the @i-th rule of separation_of_duties, in the order of the files; NULL: there are no
 * more. */
const RbDuties *rb_snapshot_duty(const RbSnapshot *snapshot, guint i);

/** rb_snapshot_account: by name or id; NULL: there is none. rb_snapshot_role: by name. */
const RbAccount *rb_snapshot_account(const RbSnapshot *snapshot, const char *name);
const RbRole *rb_snapshot_role(const RbSnapshot *snapshot, const char *name);

/**
 * rb_snapshot_gives: whether some assignment may bring @role in @account. An assignment whose accounts are
 * caught from a group's name counts for every account: which it will be is known at sign-in alone.
 */
gboolean rb_snapshot_gives(const RbSnapshot *snapshot, const RbAccount *account, const RbRole *role);

/**
 * rb_assignment_who: (transfer full): whom assignment @i names, a line each, in words that compare between
 * snapshots: "group 'acme-data-science'", "groups with prefix 'aws-'", "provider 'ci', when ref is 'main'".
 * The provider and `when` of an assignment with groups are part of each line.
 */
GStrv rb_assignment_who(const RbSnapshot *snapshot, guint i);

/** rb_role_lacks: the first parameter that @role needs and @account does not have, and (out) the task policy
 * that names it, NULL for its session policy; NULL: none. */
const char *rb_role_lacks(const RbRole *role, const RbAccount *account, const RbTaskPolicy **policy);

/** rb_library_resolve: (transfer full): @text of a policy or template with ${partition}, ${role},
 * ${account.…} put in; AWS's own variables stay. @role may be NULL: ${role} stays. */
char *rb_library_resolve(const RbRole *role, const RbAccount *account, const char *text);

/** rb_library_policy: (transfer full): the same for every text of @policy; places stay. */
RbPolicy *rb_library_policy(const RbRole *role, const RbAccount *account, const RbPolicy *policy);

#endif
