#ifndef RB_REVIEW_TRAIL_H
#define RB_REVIEW_TRAIL_H

#include "review/refine.h"

/* The inside of a trail, for refine.c. */

enum { RB_DEED_RESOURCES_MAX = 1000 };

/** One action of one role, however often. */
typedef struct {
    char *role;   /* ARN */
    char *action; /* in AWS's case */
    guint done, refused;
    GHashTable *resources; /* ARNs, of refusals */
} RbDeed;

struct RbTrail {
    guint records, of_roles, unknown;
    gboolean data_events;
    char *from, *until;
    GHashTable *deeds;  /* "ARN action" → RbDeed */
    GHashTable *people; /* "role person" → set of actions done, borrowed from deeds */
    GHashTable *groups; /* "role person" → the group that brought it */
};

#endif
