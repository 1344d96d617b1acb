#ifndef RB_MAPPING_JUDGE_H
#define RB_MAPPING_JUDGE_H

#include "mapping/decision.h"

/* What stands against a person, a role or an account, while a decision is made. */

/** What one assignment, or one role, says of this person at this moment. */
typedef struct {
    RbRefusalCode code; /* RB_ACCEPTED: nothing stands against it */
    const char *detail;
    const RbClaim *claims; /* of an assignment without groups: what of its `when` holds */
    const RbTag *tags;     /* of a role */
    gboolean known;        /* of a role: looked at already */
} RbVerdict;

/** A decision under way (decide.c). */
typedef struct {
    const RbSnapshot *snapshot;
    const RbIdentity *identity;
    const RbContext *context;
    RbArena *arena;
    GArray *matches, *pairs, *verdicts, *grants, *misses;
    RbVerdict *roles; /* by role */
    guint8 *held;     /* by role: some assignment gives it to this person, whatever the hour */
    RbMatchSpace space;
    guint group; /* being looked up */
} RbDeciding;

/** rb_judge_assignment: its provider and all of its `when`. @unsure: no group could be compared to the end.
 */
RbVerdict rb_judge_assignment(RbDeciding *d, const RbAssignment *a, gboolean unsure);

/** rb_judge_role: what the role asks of the person and the moment; looked at once a decision. */
const RbVerdict *rb_judge_role(RbDeciding *d, const RbRole *role);

/** rb_judge_account: whether the role can be had in @account: said at load for every account written down,
 * and here for those that a capture named. */
RbVerdict rb_judge_account(RbDeciding *d, const RbRole *role, const RbAccount *account,
                           const char **session_policy);

#endif
