#ifndef RB_DEPLOY_FLEET_H
#define RB_DEPLOY_FLEET_H

#include "deploy/deploy.h"

/* Many accounts at once. */

/** What happened to one account. */
typedef struct {
    const RbCompiledAccount *account;
    RbAccountPlan *plan; /* NULL: @error says why */
    GError *error;       /* of planning, or of the step that ended applying */
    guint done;          /* steps of the plan that are done */
} RbFleetRow;

typedef struct {
    /* (transfer full): a client of @account; called from several threads */
    RbIam *(*open)(const RbCompiledAccount *account, gpointer data, GError **error);
    /* of all accounts: how far it is; @what is being done (NULL: an account is finished). Several threads,
     * one at a time; may be NULL */
    void (*progress)(guint done, guint total, const RbCompiledAccount *account, const RbStep *what,
                     gpointer data);
    gpointer data;
    guint parallel; /* accounts at once */
    const gint *stop;
} RbFleet;

/** rb_fleet_plan: (transfer full) (element-type RbFleetRow): a row for each of @n @accounts, in their order.
 */
GPtrArray *rb_fleet_plan(const RbFleet *fleet, const RbCompiledAccount *accounts, guint n);

/** rb_fleet_apply: does what the rows plan, account by account in order of the steps. One that fails ends its
 * account alone. Accounts with conflicts are not begun. Returns: TRUE when everything is done */
gboolean rb_fleet_apply(const RbFleet *fleet, GPtrArray *rows);

/** rb_fleet_digest: (transfer full): hex SHA-256 over every step of every row, and every conflict. */
char *rb_fleet_digest(const GPtrArray *rows);

#endif
