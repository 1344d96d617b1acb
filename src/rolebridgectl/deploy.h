#ifndef RB_ROLEBRIDGECTL_DEPLOY_H
#define RB_ROLEBRIDGECTL_DEPLOY_H

#include "deploy/fleet.h"

/* What plan, apply and drift share. */

typedef struct {
    char *mappings, *role_name, *session_name, *region, *digest, *output, *plan, *iam_endpoint, *sts_endpoint;
    char **accounts;
    gint parallel;
    gboolean json, detailed, direct;
} RbDeployAsked;
void rb_deploy_asked_clear(RbDeployAsked *asked);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbDeployAsked, rb_deploy_asked_clear)

/** rb_deploy_context: (transfer full): a command that goes into accounts: @own entries of its own (NULL:
 * none) and those that all of them share; --help says where credentials come from. */
GOptionContext *rb_deploy_context(RbDeployAsked *asked, const GOptionEntry *own, const char *about,
                                  const char *examples);

/** rb_deploy_settle: defaults, and what has limits. FALSE: told. */
gboolean rb_deploy_settle(RbDeployAsked *asked, const char *command);

/** One run: the mapping compiled, a way into every account, and what was found there. */
typedef struct {
    const RbDeployAsked *asked;
    RbSnapshot *snapshot;
    RbCompiled *compiled;
    const RbCompiledAccount *accounts;
    guint n_accounts;
    RbHttp *http;
    RbIssuer *issuer;
    GMutex lock;       /* guards ways and home */
    char *home;        /* account of the credentials at hand; NULL: not asked yet */
    GPtrArray *ways;   /* credentials of accounts, as long as the run */
    gint stop;         /* atomic */
    gboolean bar;      /* progress is drawn over itself */
    const char *doing; /* "reading", "applying" */
    RbFleet fleet;
} RbDeployRun;

/** rb_deploy_begin: everything up to the first call; the mistake is printed. Returns: 0, or the exit code. */
int rb_deploy_begin(RbDeployRun *run, const RbDeployAsked *asked);
void rb_deploy_end(RbDeployRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbDeployRun, rb_deploy_end)

/** rb_deploy_print: what each account needs, for a person. @colour: for a terminal. */
void rb_deploy_print(const GPtrArray *rows, gboolean colour);

/** rb_deploy_json: (transfer full): the same for a program: {digest, mapping, accounts: […]}. */
json_t *rb_deploy_json(const RbDeployRun *run, const GPtrArray *rows);

/** RbDeployCount: of all rows. */
typedef struct {
    guint steps, accounts, conflicts, failures;
} RbDeployCount;
RbDeployCount rb_deploy_count(const GPtrArray *rows);

int rb_ctl_plan(int argc, char **argv);
int rb_ctl_apply(int argc, char **argv);
int rb_ctl_drift(int argc, char **argv);
int rb_ctl_baseline(int argc, char **argv);

#endif
