#ifndef RB_REVIEW_REFINE_H
#define RB_REVIEW_REFINE_H

#include "base/diagnostics.h"
#include "mapping/library.h"

#include <jansson.h>

/*
 * What roles really did, by AWS's own records, beside what their task policies allow: permissions never used,
 * and permissions that were missed.
 */

enum { RB_TRAIL_MAX_FILE = 512 * 1024 * 1024 }; /* bytes of one file, unpacked */

/** RbTrail: CloudTrail's records, as far as they are of roles under a path of ours. */
typedef struct RbTrail RbTrail;
RbTrail *rb_trail_new(void);
void rb_trail_free(RbTrail *trail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbTrail, rb_trail_free)

/** rb_trail_read: one file as CloudTrail writes them, {"Records": […]}, or one record a line. FALSE: it is
 * neither; the mistake is told. */
gboolean rb_trail_read(RbTrail *trail, const char *file, GBytes *json, RbDiagnostics *problems);

/** rb_trail_read_audit: an export of the audit log: by which group people had a role. FALSE: it is none;
 * told. */
gboolean rb_trail_read_audit(RbTrail *trail, const char *file, GBytes *lines, RbDiagnostics *problems);

typedef struct {
    guint records, of_roles;  /* read; of roles of ours */
    guint unknown;            /* whose action is not in AWS's catalogue: not judged */
    gboolean data_events;     /* the trail has them: without, who reads objects is not known */
    const char *from, *until; /* eventTime of the first and the last; NULL: none */
} RbTrailFacts;
RbTrailFacts rb_trail_facts(const RbTrail *trail);

typedef enum {
    RB_REFINE_UNUSED,  /* no action that it matches was used by any role that has the policy */
    RB_REFINE_WIDE,    /* a wildcard of which a few actions were used */
    RB_REFINE_UNSEEN,  /* data events: the trail does not have them */
    RB_REFINE_PART,    /* a group uses some of a role's task policies alone */
    RB_REFINE_MISSING, /* refused to the role by AWS, and not allowed by its policies */
} RbRefineKind;

typedef struct {
    RbRefineKind kind;
    const RbTaskPolicy *policy; /* MISSING: the one that is the role's own, or the first */
    const RbRole *role;         /* PART, MISSING */
    const char *pattern;        /* as in the policy; PART: the group; MISSING: the action */
    RbPlace place;              /* of the pattern; MISSING: of the policy */
    guint n_matched;            /* actions of AWS that a wildcard matches */
    GPtrArray *used;            /* WIDE: the actions that were used, sorted; PART: the task policies */
    GPtrArray *resources;       /* MISSING: ARNs that AWS named, sorted */
    guint times;                /* MISSING: how often */
} RbRefinement;

/** rb_refine: (transfer full) (element-type RbRefinement): by policy file, line and column; missing ones
 * last. */
GPtrArray *rb_refine(const RbTrail *trail, const RbSnapshot *snapshot);

/**
 * rb_refine_edit: (transfer full): the text of @policy's file with its unused actions taken out, a statement
 * with nothing left taken out whole, wildcards replaced by what was used, and statements for what was missing
 * added.
 */
char *rb_refine_edit(const GPtrArray *refinements, const RbTaskPolicy *policy, const char *text);

#endif
