#ifndef RB_ROLEBRIDGE_DELIVERY_H
#define RB_ROLEBRIDGE_DELIVERY_H

#include "rolebridge/holder.h"

/**
 * RbDelivery: an HTTP server on 127.0.0.1 that gives AWS SDKs credentials in the two ways they ask for by
 * themselves: as an ECS container agent (each request shows a token), and as an instance's metadata service
 * in its version 2 (whose tokens anybody may ask for, so that only programs of the same user are answered).
 */
typedef struct RbDelivery RbDelivery;

/** A role that may be asked for: /ecs/ACCOUNT/ROLE. */
typedef struct {
    const char *account, *role;
} RbDeliveryRole;

typedef struct {
    RbHolder *holder;
    RbClock clock;
    guint16 port;          /* 0: any that is free */
    const RbSecret *token; /* what requests for container credentials must show */
    const RbDeliveryRole *roles;
    guint n_roles;
    gint64 duration_s;  /* 0: each role's default */
    gboolean metadata;  /* also as an instance's metadata service, with the first role */
    const char *region; /* what the metadata service says */
} RbDeliveryOptions;

/** rb_delivery_new: @options: copied, but for the holder, which is borrowed. */
RbDelivery *rb_delivery_new(const RbDeliveryOptions *options, GError **error);
void rb_delivery_free(RbDelivery *delivery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbDelivery, rb_delivery_free)

/** rb_delivery_url: http://127.0.0.1:PORT */
const char *rb_delivery_url(const RbDelivery *delivery);
/** rb_delivery_role_url: (transfer full): where the container credentials of the role with this number are.
 */
char *rb_delivery_role_url(const RbDelivery *delivery, guint i);

#endif
