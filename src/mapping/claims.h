#ifndef RB_MAPPING_CLAIMS_H
#define RB_MAPPING_CLAIMS_H

#include "identity/identity.h"
#include "mapping/index.h"

#include <glib.h>

/*
 * From who vouches and what is stated to the assignments without groups, without looking at the others. Each
 * is found by one entry of its `when`, its lead; whether the rest holds is for the caller to judge. Nothing
 * here leads from one provider to an assignment of another: the provider picks the table.
 */
typedef struct {
    GHashTable *providers; /* provider → GHashTable: attribute → Table (claims.c) */
} RbClaims;

void rb_claims_init(RbClaims *claims);
void rb_claims_clear(RbClaims *claims);

/** rb_claims_finish: puts every one of @assignments (RbAssignment) that has no groups into the tables. */
void rb_claims_finish(RbClaims *claims, const GArray *assignments, RbArena *arena);

/** rb_claims_find: calls @found for each assignment without groups whose lead @identity states; more than
 * once when it does so more than once. */
void rb_claims_find(const RbClaims *claims, const RbIdentity *identity, RbMatchSpace *space, RbFound found,
                    gpointer data);

#endif
