#ifndef RB_ROLEBRIDGE_HOLDER_H
#define RB_ROLEBRIDGE_HOLDER_H

#include "rolebridge/lease.h"

/**
 * RbHolder: leases in memory, renewed ahead of their end while somebody uses them. Any number of threads may
 * ask; for one lease one of them asks the bridge and the others wait for its outcome, good or bad.
 */
typedef struct RbHolder RbHolder;

/**
 * RbHolderIssue: where leases come from: the bridge behind the agent; rb_lease_get() beside it, which may
 * return again what is held already, until it is due there.
 */
typedef RbLease *(*RbHolderIssue)(RbCli *cli, const char *account, const char *role, gint64 duration_s,
                                  gboolean fresh, GError **error);

enum { RB_HOLDER_MAX = 256 };

/** rb_holder_new: @cli is borrowed; its HTTP client must have been made. */
RbHolder *rb_holder_new(RbCli *cli, RbHolderIssue issue);
void rb_holder_free(RbHolder *holder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbHolder, rb_holder_free)

/** rb_holder_get: (transfer full): a lease, held or new. Over RB_HOLDER_MAX different ones: fault.busy. */
RbLease *rb_holder_get(RbHolder *holder, const char *account, const char *role, gint64 duration_s,
                       gboolean fresh, GError **error);

/** RbHolderTold: what became of one renewal by rb_holder_tend(); @error NULL: it succeeded. */
typedef void (*RbHolderTold)(const RbLease *lease, const GError *error, gpointer data);

/**
 * rb_holder_tend: renews what is due and was asked for since it was issued; drops what has ended. @told may
 * be NULL. Returns: when to come again, UTC seconds
 */
gint64 rb_holder_tend(RbHolder *holder, RbHolderTold told, gpointer data);

/** rb_holder_forget: drops all of it. */
void rb_holder_forget(RbHolder *holder);

/** rb_holder_status: (transfer full): one object a lease, sorted; no secret. */
json_t *rb_holder_status(RbHolder *holder);

#endif
