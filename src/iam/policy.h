#ifndef RB_IAM_POLICY_H
#define RB_IAM_POLICY_H

#include "base/diagnostics.h"
#include "base/yaml.h"

#include <glib.h>
#include <jansson.h>

/*
 * IAM policy documents as values: the whole grammar (reference §8.1), every text with its place. A policy is
 * immutable once read, reference-counted, and shared between threads without locks.
 */

enum {
    RB_POLICY_MAX_SIZE = 131072,  /* bytes of a document, white space included, as IAM takes it */
    RB_POLICY_MANAGED_MAX = 6144, /* characters of a managed policy, white space not counted */
    RB_POLICY_TRUST_MAX = 2048,   /* of a trust policy: the quota an account has by default */
    RB_POLICY_SESSION_MAX = 2048,
    RB_POLICY_SERVICE_CONTROL_MAX = 5120,
};

/** What a document is for. It decides which elements it may have, and whose word it is in an evaluation. */
typedef enum {
    RB_POLICY_IDENTITY,
    RB_POLICY_TRUST,
    RB_POLICY_SESSION,
    RB_POLICY_BOUNDARY,
    RB_POLICY_SERVICE_CONTROL,
    RB_POLICY_RESOURCE_CONTROL,
    RB_POLICY_RESOURCE,
} RbPolicyKind;

/** rb_policy_kind_name: "identity policy", "trust policy", "session policy", "permissions boundary", … */
const char *rb_policy_kind_name(RbPolicyKind kind);

#define RB_POLICY_KINDS_BUT_IDENTITY "trust, session, boundary, scp, rcp, resource"
#define RB_POLICY_KINDS "identity, " RB_POLICY_KINDS_BUT_IDENTITY

/** rb_policy_kind_parse: one of RB_POLICY_KINDS, as an option has it; also "service-control" and
 * "resource-control". */
gboolean rb_policy_kind_parse(const char *text, RbPolicyKind *kind);

/** One text as it was written, and where. */
typedef struct {
    const char *text;
    RbPlace place;
} RbPolicyText;

/** A list; a single value is a list of one. */
typedef struct {
    const RbPolicyText *at;
    guint n;
} RbPolicyTexts;

/** What an operator compares. Negated forms are the same test with RbPolicyCondition.negated. */
typedef enum {
    RB_TEST_STRING_EQUALS,
    RB_TEST_STRING_EQUALS_IGNORE_CASE,
    RB_TEST_STRING_LIKE,
    RB_TEST_NUMERIC_EQUALS,
    RB_TEST_NUMERIC_LESS,
    RB_TEST_NUMERIC_LESS_EQUALS,
    RB_TEST_NUMERIC_GREATER,
    RB_TEST_NUMERIC_GREATER_EQUALS,
    RB_TEST_DATE_EQUALS,
    RB_TEST_DATE_LESS,
    RB_TEST_DATE_LESS_EQUALS,
    RB_TEST_DATE_GREATER,
    RB_TEST_DATE_GREATER_EQUALS,
    RB_TEST_BOOL,
    RB_TEST_BINARY_EQUALS,
    RB_TEST_IP_ADDRESS,
    RB_TEST_ARN_LIKE, /* ArnEquals is the same */
    RB_TEST_NULL,
} RbPolicyTest;

typedef enum { RB_SET_NONE, RB_SET_ANY_VALUE, RB_SET_ALL_VALUES } RbPolicySet;

/** One operator on one key: `"ForAnyValue:StringLikeIfExists": { "aws:TagKeys": […] }`. */
typedef struct {
    RbPolicyText op;      /* operator, as written */
    RbPolicyText key;     /* as written; compared without case */
    RbPolicyTexts values; /* numbers and booleans as their texts */
    RbPolicyTest test;
    RbPolicySet set;
    gboolean negated, if_exists;
} RbPolicyCondition;

/** One entry of Principal; `"Principal": "*"` is one entry of kind "*" with the value "*". */
typedef struct {
    RbPolicyText kind; /* "AWS", "Federated", "Service", "CanonicalUser", "*" */
    RbPolicyTexts values;
} RbPolicyPrincipal;

typedef struct {
    RbPlace place;
    RbPolicyText sid; /* text NULL: none */
    gboolean allow;
    gboolean not_principal, not_action, not_resource;
    const RbPolicyPrincipal *principals;
    guint n_principals;      /* 0: no such element */
    RbPolicyTexts actions;   /* Action, or NotAction */
    RbPolicyTexts resources; /* Resource, or NotResource; n 0: no such element */
    const RbPolicyCondition *conditions;
    guint n_conditions;
} RbPolicyStatement;

typedef struct {
    gatomicrefcount refs;
    RbPolicyKind kind;
    const char *version; /* "2012-10-17", "2008-10-17"; NULL: absent, which means 2008-10-17: no variables */
    const char *id;      /* or NULL */
    const RbPolicyStatement *statements;
    guint n_statements;
    GStringChunk *texts; /* private: what the texts above stand in */
    GPtrArray *parts;    /* private: and their arrays */
} RbPolicy;

/**
 * rb_policy_parse: a JSON document. Strict: duplicate keys (also those that differ in case only), trailing
 * bytes and unknown elements are errors with their place; every mistake is told, under the name of IAM Access
 * Analyzer's finding where it has one. Returns: (transfer full): the policy, or NULL when there was an error
 */
RbPolicy *rb_policy_parse(RbPolicyKind kind, const char *file, GBytes *json, RbDiagnostics *problems);

/**
 * rb_policy_read: statements as mappings/ has them: a YAML list of maps with `sid`, `effect`, `action`,
 * `not_action`, `resource`, `not_resource`, `condition`, each scalar or list. ${…} is judged by the caller,
 * text by text. Returns: as rb_policy_parse(); its version is 2012-10-17
 */
RbPolicy *rb_policy_read(RbPolicyKind kind, const RbYaml *list, RbDiagnostics *problems);

RbPolicy *rb_policy_ref(RbPolicy *policy);
void rb_policy_unref(RbPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPolicy, rb_policy_unref)

/** rb_policy_map: (transfer full): @policy with every text of resources, condition values and principals
 * replaced by what @change (transfer full) makes of it; places stay. */
typedef char *(*RbPolicyChange)(const char *text, gpointer data);
RbPolicy *rb_policy_map(const RbPolicy *policy, RbPolicyChange change, gpointer data);

/** rb_policy_statements: (transfer full): the @n statements of @policy that @at (indices) names, as a policy
 * of its own; for splitting. */
RbPolicy *rb_policy_statements(const RbPolicy *policy, const guint *at, guint n);

/** rb_policy_join: (transfer full): the statements of all @n policies in their order. */
RbPolicy *rb_policy_join(RbPolicyKind kind, const RbPolicy *const *policies, guint n);

/** rb_policy_to_json: (transfer full): elements in AWS's order, a list of one as a single value; dump it with
 * JSON_PRESERVE_ORDER. */
json_t *rb_policy_to_json(const RbPolicy *policy);

/** rb_policy_print: (transfer full): the same as compact text: the characters that AWS counts. Parsing it
 * gives an equal policy. */
char *rb_policy_print(const RbPolicy *policy);

/** rb_policy_normalise: (transfer full): equal meaning has equal bytes when printed: lists sorted and without
 * doubles, actions in lower case, principals in one form, what a wildcard beside it covers left out, empty
 * Sids left out. The order of statements and their Sids stay. */
RbPolicy *rb_policy_normalise(const RbPolicy *policy);

/** rb_policy_equal: whether two documents mean the same to AWS (reference §9.2): normalised, without Sids and
 * order of statements. */
gboolean rb_policy_equal(const RbPolicy *a, const RbPolicy *b);

/**
 * rb_policy_validate: IAM Access Analyzer's findings (reference §8.6) on a policy that could be read: errors,
 * security warnings, warnings and suggestions, with the codes it uses ("PASS_ROLE_WITH_STAR_IN_RESOURCE").
 * The mapping's own ${…} must have been replaced (rb_policy_map() keeps the places): AWS knows none of them.
 * Services, actions, resources and keys are those of the catalogue.
 */
void rb_policy_validate(const RbPolicy *policy, RbDiagnostics *problems);

#endif
