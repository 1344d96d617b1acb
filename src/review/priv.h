#ifndef RB_REVIEW_PRIV_H
#define RB_REVIEW_PRIV_H

#include "iam/catalogue.h"
#include "review/review.h"

/* ---- who gets which role where (ways.c) ---- */

/** An account as it is shown; what is only known at sign-in has no id. */
typedef struct {
    const char *id;   /* "" for accounts that a group's name or a claim names */
    const char *name; /* "development", "${account}" */
} RbSeat;

/** One line of rb_assignment_who() and one role: in which accounts. */
typedef struct {
    const char *who;
    const RbRole *role;
    GPtrArray *seats; /* RbSeat: by id, then name; each once */
} RbWay;

/** RbWays: all of a snapshot's, by who, then role; seats in the order of ids. */
typedef struct {
    GPtrArray *at;    /* RbWay */
    GHashTable *find; /* "who\nrole" → RbWay */
    GPtrArray *seats; /* RbSeat: owned here */
    GStringChunk *texts;
} RbWays;
RbWays *rb_ways_new(const RbSnapshot *snapshot);
void rb_ways_free(RbWays *ways);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbWays, rb_ways_free)

/** rb_ways_there: (transfer full): a byte for each account (by index) and role (by rank), a row an account:
 * whether some assignment may bring that role there. */
guint8 *rb_ways_there(const RbSnapshot *snapshot);

/** rb_seat_compare: by id; accounts known at sign-in alone are last, by name. For g_ptr_array_sort. */
gint rb_seat_compare(gconstpointer a, gconstpointer b);

/* ---- what a role may do (permits.c, cover.c) ---- */

/** A statement with what comparing it needs. */
typedef struct {
    const RbPolicyStatement *statement; /* borrowed */
    char **actions;                     /* lower case, NULL-terminated */
} RbPermit;

/** RbPermits: what some policies say, together. */
typedef struct {
    GPtrArray *allows, *denies; /* RbPermit, borrowed */
    GPtrArray *unknown;         /* names of policies whose documents nobody gave, borrowed */
    const GPtrArray *within;    /* RbPermit of the session policy, borrowed; NULL: there is none */
} RbPermits;
RbPermits *rb_permits_new(void);
void rb_permits_free(RbPermits *permits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbPermits, rb_permits_free)

/** rb_permit_list: (transfer full) (element-type RbPermit): of every statement of @policy. */
GPtrArray *rb_permit_list(const RbPolicy *policy);
/** rb_permits_add: those of @list (borrowed) too. */
void rb_permits_add(RbPermits *permits, const GPtrArray *list);

/** rb_permit_narrower: whether @wide's conditions hold whenever @narrow's do, as far as texts tell. */
gboolean rb_permit_narrower(const RbPermit *wide, const RbPermit *narrow);
/** rb_permit_action, _resource: whether @permit takes all of the pattern @text. */
gboolean rb_permit_action(const RbPermit *permit, const char *text);
gboolean rb_permit_resource(const RbPermit *permit, const char *text);
/** rb_permit_some_action, _resource: whether it takes some of it. */
gboolean rb_permit_some_action(const RbPermit *permit, const char *text);
gboolean rb_permit_some_resource(const RbPermit *permit, const char *text);
/** rb_permit_all_actions, _all_resources: whether @wide takes whatever @narrow, a Not… one, takes. */
gboolean rb_permit_all_actions(const RbPermit *wide, const RbPermit *narrow);
gboolean rb_permit_all_resources(const RbPermit *wide, const RbPermit *narrow);
/** rb_permit_meets: whether some request may be matched by both. */
gboolean rb_permit_meets(const RbPermit *a, const RbPermit *b);

/** One snapshot, and of the account at hand what its task policies say there (side.c). */
typedef struct {
    const RbSnapshot *snapshot;
    const guint8 *there;      /* of rb_ways_there() */
    const RbAccount *account; /* NULL: it is not there */
    guint row;                /* of it in @there */
    GHashTable *lists;        /* "role\npolicy", "\npolicy" → RbPermit list */
    GHashTable *by_role;      /* RbPolicy with the mapping's variables → 2: it names ${role}; 1: not */
    GPtrArray *documents;     /* RbPolicy: what they borrow from */
} RbSide;
void rb_side_init(RbSide *side, const RbSnapshot *snapshot);
void rb_side_clear(RbSide *side);
/** rb_side_turn: to another account; what was made for the last one is gone. */
void rb_side_turn(RbSide *side, const RbAccount *account, guint row);
/** rb_side_role: the role @name, if some assignment may bring it in the account; else NULL. */
const RbRole *rb_side_role(const RbSide *side, const char *name);
/** rb_side_permits: (transfer full): what @role (NULL: it is not there) may do in the account. */
RbPermits *rb_side_permits(RbSide *side, const RbRole *role);
/** rb_side_session: (transfer full): what @role's session policy, which it must have, lets through. */
RbPermits *rb_side_session(RbSide *side, const RbRole *role);

/** Something that the one side allows and the other does not. */
typedef struct {
    gboolean deny;        /* of a Deny: it is there on the other side alone */
    gboolean not_actions; /* everything but @actions */
    gboolean not_resources;
    GPtrArray *actions;   /* as written, borrowed */
    GPtrArray *resources; /* borrowed */
    GPtrArray *known;     /* RbAction: what of it AWS has today, and the other side has not */
    const RbPermit *permit;
    const char *managed; /* a policy whose document is not known: all that it says; NULL else */
} RbExtra;
void rb_extra_free(gpointer extra);

/** rb_permits_extra: (transfer full) (element-type RbExtra): what @more allows and @less does not, in the
 * order of @more; a reordered, split or merged statement is nothing. */
GPtrArray *rb_permits_extra(const RbPermits *less, const RbPermits *more);

/** rb_condition_words: (transfer full): "aws:SecureTransport is true". */
char *rb_condition_words(const RbPolicyCondition *condition);
/** rb_statement_words: (transfer full): its conditions in words, joined by " and "; "" without any. */
char *rb_statement_words(const RbPolicyStatement *statement);

/* ---- the review ---- */

typedef struct {
    gboolean gained, privileged;
    const char *who, *role, *title;
    GPtrArray *seats; /* RbSeat */
} RbPeopleChange;

/** What of a role's access changed, as it is shown; equal in every account named. */
typedef struct {
    gboolean deny, not_actions, not_resources;
    GPtrArray *actions, *resources; /* texts */
    GPtrArray *known;               /* RbAction */
    const char *conditions, *place; /* place: "policies/run-data-experiment.yaml:12" */
    const char *managed;
} RbAccessItem;

typedef struct {
    gboolean gained, privileged, whole; /* whole: the role as such comes or goes there */
    gboolean session;                   /* of its session policy, which only narrows */
    const char *role, *title;
    GPtrArray *seats; /* RbSeat */
    GPtrArray *items; /* RbAccessItem */
} RbAccessChange;

typedef enum { RB_FACT_TIGHTER = -1, RB_FACT_NEUTRAL = 0, RB_FACT_LOOSER = 1 } RbFactSense;

typedef struct {
    const char *subject;        /* "Data Scientist", "account development (444455556666)" */
    const char *kind, *name;    /* "role", "data-scientist"; "account", its id; "duties"; "bridge" */
    const char *what;           /* "longest session"; NULL: the subject itself comes or goes */
    const char *before, *after; /* NULL: none */
    RbFactSense sense;
} RbFactChange;

struct RbReview {
    RbSnapshot *before, *after;
    GStringChunk *texts;
    RbWays *ways_before, *ways_after;
    GPtrArray *people; /* RbPeopleChange: gains first, by who, role */
    GPtrArray *access; /* RbAccessChange: by role, gains first, accounts */
    GPtrArray *facts;  /* RbFactChange: by kind and name */
};

/** rb_review_people, _facts, _access: fill those lists. */
void rb_review_people(RbReview *review);
void rb_review_facts(RbReview *review);
void rb_review_access(RbReview *review);

/** rb_review_holdings: fills the list of access with all that roles may do: @wanted as rb_ways_there(). */
void rb_review_holdings(RbReview *review, const guint8 *wanted);

/** rb_review_keep: @text (transfer full) kept by @review. */
const char *rb_review_keep(RbReview *review, char *text);

/* ---- who can (reach.c) ---- */

/** A role that may do what was asked, in accounts of which the same is to be said. */
typedef struct {
    RbReachAnswer answer;
    const RbRole *role;
    GPtrArray *seats; /* RbSeat */
    GPtrArray *lines; /* text: why, and what must hold */
    GStrv who;        /* in words */
} RbHolder;

struct RbReach {
    RbSnapshot *snapshot;
    char *action, *lower, *resource;
    RbWays *ways;
    GPtrArray *holders; /* RbHolder: by answer, role, accounts */
};

/* ---- words that all forms share (words.c) ---- */

/** rb_text_generalise: (transfer full): @text with what is @account's own put back into ${account.…}:
 * resolving it for @account gives @text again. */
char *rb_text_generalise(const RbAccount *account, const char *text);

/** rb_seats_words: (transfer full): "analytics-prod (111122223333) and development (444455556666)"; of many,
 * @max and "N more", or "all 400 accounts with env=prod" where that is what they are in @snapshot. */
char *rb_seats_words(const GPtrArray *seats, const RbSnapshot *snapshot, guint max);
/** rb_who_words: (transfer full): "Members of acme-data-science" or "Sign-ins of provider 'ci', when …". */
char *rb_who_words(const char *who);
/** rb_known_words: (transfer full): "12 actions of s3 (3 write), 2 of sqs" ; NULL: none is known. */
char *rb_known_words(const GPtrArray *known);
/** rb_access_level_name: "list", "read", "tagging", "write", "permissions". */
const char *rb_access_level_name(RbAccessLevel level);
/** rb_level_changes: whether actions of @level change something. */
gboolean rb_level_changes(RbAccessLevel level);
/** rb_item_actions, _resources: (transfer full): "s3:PutObject, s3:DeleteObject", "everything but iam:*". */
char *rb_item_actions(const RbAccessItem *item, guint max);
char *rb_item_resources(const RbAccessItem *item, guint max);
/** rb_fact_sentence: (transfer full): "Data Scientist: the longest session is 12h; it was 8h." */
char *rb_fact_sentence(const RbFactChange *fact);
/** rb_item_writes: whether something of it changes something, or it is not known. */
gboolean rb_item_writes(const RbAccessItem *item);

/** rb_action_compare: by service and name. For g_ptr_array_sort. */
gint rb_action_compare(gconstpointer a, gconstpointer b);
/** rb_item_json: (transfer full): an item as diff and what-can print it. */
json_t *rb_item_json(const RbAccessItem *item);
/** rb_seats_json, rb_actions_json: (transfer full): [{id, name}], ["s3:GetObject"]. */
json_t *rb_seats_json(const GPtrArray *seats);
json_t *rb_actions_json(const GPtrArray *known);

/** rb_count_words: (transfer full): "2 gains, 1 loss, no other change". */
char *rb_count_words(const RbReviewCount *count);
/** rb_change_words: (transfer full): what all items of @change are together: "3 actions of s3 (1 changes
 * something)"; what AWS does not have yet or is not known is said. */
char *rb_change_words(const RbAccessChange *change);
/** rb_item_sentence: (transfer full): "s3:PutObject on arn:…, if …". */
char *rb_item_sentence(const RbAccessItem *item, gboolean gained, guint max);
/** rb_item_known: (transfer full): of an item with wildcards, which actions it brings: "GetObject, PutObject
 * and 7 more"; NULL: it names what it brings. */
char *rb_item_known(const RbAccessItem *item, guint max);

#endif
