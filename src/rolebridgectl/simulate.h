#ifndef RB_ROLEBRIDGECTL_SIMULATE_H
#define RB_ROLEBRIDGECTL_SIMULATE_H

#include "compile/compile.h"
#include "iam/evaluate.h"

/* `rolebridgectl simulate`: whether a role's session may do something, and which statement says so. */

/** Everything the command line can say. */
typedef struct {
    char *mappings, *role, *account, *action, *resource, *owner, *name;
    char *session_policy, *boundary, *resource_policy;
    char **files, **context, **tags, **scps, **rcps;
    gboolean json, verbose;
} RbSimulateAsked;
void rb_simulate_asked_clear(RbSimulateAsked *asked);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbSimulateAsked, rb_simulate_asked_clear)

/** One question: the policies that have a say, and the request. */
typedef struct {
    const RbSimulateAsked *asked;
    RbSnapshot *snapshot; /* NULL with --file */
    RbCompiled *compiled;
    const RbCompiledAccount *account;
    const RbCompiledRole *role;
    GPtrArray *owned;    /* RbPolicy */
    GPtrArray *identity; /* RbPolicy, borrowed; so are the next ones */
    GPtrArray *sessions, *boundaries, *rcps;
    GPtrArray *levels;       /* of GPtrArray: a level of service control policies each */
    GArray *service_control; /* RbPolicies, of levels */
    GPtrArray *unknown;      /* names of managed policies whose document the mapping does not have */
    GPtrArray *missing_tags; /* session tags that the role has and the command line does not say */
    const RbPolicy *resource;
    RbRequestContext *context;
    char *principal, *session, *owner;
    RbRequest request;
} RbSimulation;

/** rb_simulation_begin: everything up to the answer; the mistake is printed. Returns: 0, or the exit code. */
int rb_simulation_begin(RbSimulation *simulation, const RbSimulateAsked *asked);
void rb_simulation_end(RbSimulation *simulation);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RbSimulation, rb_simulation_end)

/** rb_simulation_context: the request's condition keys: what the command line says, and beside it what a
 * federated session always has. */
void rb_simulation_context(RbSimulation *simulation);

/** What came out; NOT_KNOWN: a policy that is not known would decide. */
typedef enum {
    RB_SIMULATED_ALLOWED,
    RB_SIMULATED_DENIED,
    RB_SIMULATED_NOT_ALLOWED,
    RB_SIMULATED_NOT_KNOWN
} RbSimulated;

/** rb_simulate: @verdict: of what is known. */
RbSimulated rb_simulate(const RbSimulation *simulation, RbVerdict *verdict);

void rb_simulation_print(const RbSimulation *simulation, RbSimulated outcome, const RbVerdict *verdict,
                         gboolean colour);
/** rb_simulation_json: (transfer full): the same for a program. */
json_t *rb_simulation_json(const RbSimulation *simulation, RbSimulated outcome, const RbVerdict *verdict);

#endif
