#ifndef RB_COMPILE_PRIV_H
#define RB_COMPILE_PRIV_H

#include "compile/compile.h"
#include "mapping/arena.h"

/* One compilation under way. */

struct RbCompiled {
    RbSnapshot *snapshot;
    RbArena arena;        /* every text and struct that is given out */
    GPtrArray *documents; /* RbPolicy: owned here, whoever else points at them */
    RbCompiledAccount *accounts;
    guint n_accounts;
    GHashTable *at; /* id and name → RbCompiledAccount */
};

/** One managed policy's worth of statements. */
typedef struct {
    const RbPolicy *document;
    const char *text;
} RbPart;

typedef struct {
    const RbPart *at;
    guint n; /* 0: it cannot be compiled, and that was told */
} RbParts;

typedef struct {
    RbCompiled *out;
    RbDiagnostics *problems;
    GHashTable *told;          /* "file:line:column": mistakes that many accounts share are told once */
    GHashTable *tasks;         /* RbTaskPolicy → RbTask (task.c) */
    struct RbRoleFacts *roles; /* by RbRole.index */
    guint n_trusts;            /* different kinds of trust policies */
} RbCompiler;

/** What is the same for a role in every account. */
typedef struct RbRoleFacts {
    const char *description;
    const RbTag *tags;
    guint n_tags;
    guint trust;              /* roles of equal number have equal trust policies in one account */
    const char *network_name; /* "network.0f1e2d3c4b"; NULL: none */
    RbPart network;
} RbRoleFacts;

/** rb_compile_keep: @document (transfer full) lives as long as what is given out. */
const RbPolicy *rb_compile_keep(RbCompiler *c, RbPolicy *document);
RbPart rb_compile_part(RbCompiler *c, RbPolicy *document);

/** rb_compile_document: (transfer full): @statements (taken over: a list) as a policy whose statements stand
 * at @place. */
RbPolicy *rb_compile_document(RbCompiler *c, RbPolicyKind kind, json_t *statements, RbPlace place);

/** rb_compile_size: characters as AWS counts them, at most: white space inside of texts counts here. */
glong rb_compile_size(const char *text);

/** rb_compile_once: whether nothing was told of @place yet. */
gboolean rb_compile_once(RbCompiler *c, RbPlace place);

/** rb_compile_task: @task in @account as one part or more; @role matters to a task that names ${role}. */
RbParts rb_compile_task(RbCompiler *c, const RbTaskPolicy *task, const RbAccount *account,
                        const RbRole *role);
/** rb_compile_by_role: whether @task is another policy for each role. */
gboolean rb_compile_by_role(RbCompiler *c, const RbTaskPolicy *task);
void rb_compile_task_free(gpointer task);

/** rb_compile_split: (transfer full) (element-type RbPolicy): @document as policies that AWS takes, in order;
 * NULL after telling which statement is too long. @where: the account, for the message */
GPtrArray *rb_compile_split(RbCompiler *c, const RbPolicy *document, const char *where);

/** rb_compile_network: fills in @role's network policy, if it has one. */
void rb_compile_network(RbCompiler *c, const RbRole *role, RbRoleFacts *facts);

/** rb_compile_trust_words: (transfer full): equal for roles whose trust policies are. */
char *rb_compile_trust_words(const RbRole *role);
/** rb_compile_trust: (transfer full): who may take @role in @account. */
RbPolicy *rb_compile_trust(RbCompiler *c, const RbRole *role, const RbAccount *account);
/** rb_compile_trust_check: whether `bridge` says what @account's method needs; told at the account. */
gboolean rb_compile_trust_check(RbCompiler *c, const RbAccount *account);

/** rb_compile_roles: facts of every role. */
void rb_compile_roles(RbCompiler *c);

/** rb_compile_account: everything of @account; @used: for each role by index, whether it is there. */
void rb_compile_account(RbCompiler *c, const RbAccount *account, const guint8 *used, RbCompiledAccount *out);

#endif
