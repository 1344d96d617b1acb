#ifndef RB_MAPPING_PRIV_H
#define RB_MAPPING_PRIV_H

#include "base/yaml.h"
#include "mapping/arena.h"
#include "mapping/claims.h"
#include "mapping/condition.h"
#include "mapping/index.h"
#include "mapping/library.h"
#include "mapping/mapping.h"

/* The inside of a snapshot. All text lives in its arena. */

enum {
    RB_SESSION_MIN_S = 900,
    RB_SESSION_MAX_S = 43200,
    RB_SESSION_CHAINED_S = 3600, /* role chaining: STS gives one hour at most */
    RB_MAPPING_MAX_FILES = 10000,
    RB_TAGS_MAX = 50,
    RB_TAG_KEY_MAX = 128,   /* characters */
    RB_TAG_VALUE_MAX = 256, /* characters */
};

/** One file of the mapping: its name below the directory, and its bytes. */
typedef struct {
    char *name;
    GBytes *bytes;
} RbMappingFile;

struct RbSnapshot {
    gatomicrefcount refs;
    RbArena arena;
    char *digest;
    GPtrArray *accounts;    /* RbAccount, by id */
    GHashTable *account_at; /* id and name → index + 1 */
    const RbBridge *bridge; /* or NULL */
    GPtrArray *policies;    /* RbTaskPolicy */
    GHashTable *policy_named;
    GHashTable *managed; /* file in managed/ without ".json" → RbPolicy */
    GPtrArray *roles;    /* RbRole, by name */
    GHashTable *role_named;
    GArray *assignments; /* RbAssignment */
    GArray *duties;      /* RbDuties */
    GArray *ignores;     /* RbIgnore */
    GPtrArray *patterns; /* RbPattern: of groups and of `when` */
    RbIndex index;       /* groups → assignments */
    RbClaims claims;     /* provider and attributes → assignments without groups */
};

/** What loading needs while it is under way. */
typedef struct {
    RbSnapshot *snapshot;
    RbDiagnostics *problems;
    GPtrArray *files;        /* RbMappingFile: all of them */
    gboolean accounts_known; /* FALSE: accounts.yaml could not be read, so no reference to it is judged */
} RbLoad;

/** rb_mapping_scan: (transfer full) (element-type RbMappingFile): the files of @directory in order of name.
 */
GPtrArray *rb_mapping_scan(const char *directory, RbDiagnostics *problems);
void rb_mapping_file_free(gpointer file);

/** rb_snapshot_build: the same as loading a directory that holds @files. */
RbSnapshot *rb_snapshot_build(GPtrArray *files, RbDiagnostics *problems);

/* One reader for each kind of file; each reports every mistake it finds. */
void rb_accounts_read(RbLoad *load, const RbYaml *root);
void rb_managed_read(RbLoad *load);
void rb_bridge_read(RbLoad *load, const RbYaml *node);
void rb_task_policy_read(RbLoad *load, const RbYaml *root, const char *stem);
void rb_role_read(RbLoad *load, const RbYaml *root, const char *stem);
void rb_assignments_read(RbLoad *load, const RbYaml *root);

/** rb_task_policy_broken, rb_role_broken: a file that could not be read: its name is known all the same, so
 * that one mistake is not reported twice. */
void rb_task_policy_broken(RbLoad *load, const char *file, const char *stem);
void rb_role_broken(RbLoad *load, const char *file, const char *stem);

/** rb_matcher_exact: a matcher of @text itself, in the arena, for the assignment being read. */
RbMatcher rb_matcher_exact(RbLoad *load, const char *text);

/**
 * rb_matcher_read: `{ prefix: … }`, `{ regex: … }`, `{ dn_under: … }`: one of the NULL-terminated @known.
 * @hint: what to write instead of an empty text. Returns: FALSE after a mistake was reported
 */
gboolean rb_matcher_read(RbLoad *load, const RbYaml *node, const char *const *known, const char *hint,
                         RbMatcher *matcher);

/** rb_when_read: the `when` map of an assignment; *@n entries in the arena. */
const RbWhen *rb_when_read(RbLoad *load, const RbYaml *map, guint *n);

/** rb_assignment_gives: whether @a brings @role (NULL: any) in @account (name or id; NULL: any). */
gboolean rb_assignment_gives(const RbSnapshot *snapshot, const RbAssignment *a, const char *account,
                             const char *role);

/** rb_assignment_claims: (transfer full): "provider 'ci', when repository is 'acme/app' and ref starts with
 * 'refs/tags/'"; "" where @a asks for neither. */
char *rb_assignment_claims(const RbAssignment *a);

/** rb_matcher_words: (transfer full): "groups with prefix 'aws-'". */
char *rb_matcher_words(const RbMatcher *matcher);

/** rb_accounts_sort, rb_roles_sort: after the last of them was read, before the first reference. */
void rb_accounts_sort(RbLoad *load);
void rb_roles_sort(RbLoad *load);

/** rb_snapshot_check: what can only be said of the whole: parameters that an assigned account lacks. What is
 * unwise is for lint/ to say. */
void rb_snapshot_check(RbLoad *load);

/**
 * rb_statements_read: IAM statements in YAML. @needs: gets the account parameters named, as keys.
 * Returns: (transfer full): the policy document with the mapping's ${…} still in it; NULL after a mistake
 */
RbPolicy *rb_statements_read(RbLoad *load, RbPolicyKind kind, const RbYaml *list, GHashTable *needs);

/** rb_session_policy_for: (transfer full): @role's session policy for @account as compact JSON; NULL: it has
 * none, or @problem (static) says why it cannot be made. */
char *rb_session_policy_for(const RbRole *role, const RbAccount *account, const char **problem);

/** rb_ignores_read: the `lint` list of any file. */
void rb_ignores_read(RbLoad *load, const RbYaml *root);

/** rb_tags_read: the `tags` map of a role. */
void rb_tags_read(RbLoad *load, RbRole *role, const RbYaml *node);

/**
 * rb_tags_make: the session tags of @role for @identity in @arena, sorted by key.
 * Returns: NULL, or why one cannot be made, in words
 */
const char *rb_tags_make(const RbRole *role, const RbIdentity *identity, RbArena *arena, const RbTag **tags);

/* Small things that several readers need (place.c). */
RbPlace rb_place(const RbYaml *node);
const char *rb_load_text(RbLoad *load, const char *text);
/** rb_load_strings: the keys of @set, sorted, in the arena. */
const char **rb_load_strings(RbLoad *load, GHashTable *set);
/** rb_name_check: `[a-z0-9][a-z0-9-]{1,62}`, else an error at @node. */
gboolean rb_name_check(RbLoad *load, const RbYaml *node, const char *what);
/** rb_text_field: a required text of printable characters, in the arena; "" after an error. */
const char *rb_text_field(RbLoad *load, const RbYaml *node, const char *key, gboolean required);
/** rb_unknown: an error: no @what named so; "did you mean" from the keys of @known. */
void rb_unknown(RbLoad *load, const RbYaml *node, const char *what, const char *name, GHashTable *known);
/** rb_twice: an error: the name at @node is taken by what is at @place. */
void rb_twice(RbLoad *load, const RbYaml *node, const char *what, const char *name, RbPlace place);

#endif
