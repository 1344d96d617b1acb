#ifndef RB_MAPPING_DECISION_H
#define RB_MAPPING_DECISION_H

#include "mapping/priv.h"

/** A decision and what it stands on. The public part comes first. */
typedef struct {
    RbDecision public;
    RbSnapshot *snapshot;
    RbIdentity *identity;
    RbArena arena;
} RbDecisionWhole;

#endif
