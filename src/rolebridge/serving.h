#ifndef RB_ROLEBRIDGE_SERVING_H
#define RB_ROLEBRIDGE_SERVING_H

#include "rolebridge/delivery.h"

/** RbServing: a delivery with leases behind it that are renewed ahead, by a thread of its own. */
typedef struct RbServing RbServing;

/** What is asked for; like RbDeliveryOptions. */
typedef struct {
    const RbDeliveryRole *roles;
    guint n_roles;
    gint64 duration_s;
    guint16 port;
    const RbSecret *token; /* NULL: a new one */
    gboolean metadata;
} RbServingAsk;

/** rb_serving_new: fetches the first lease before it listens: SDKs wait for a second or two, no more. */
RbServing *rb_serving_new(RbCli *cli, const RbServingAsk *ask, GError **error);
void rb_serving_free(RbServing *serving);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbServing, rb_serving_free)

const RbDelivery *rb_serving_delivery(const RbServing *serving);
const RbSecret *rb_serving_token(const RbServing *serving);

/** rb_ending_signals: SIGTERM, SIGINT and SIGHUP as a descriptor to read from; threads made later have them
 * blocked. -1 with @error. */
int rb_ending_signals(GError **error);

#endif
