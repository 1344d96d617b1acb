#ifndef RB_BASE_REFUSAL_H
#define RB_BASE_REFUSAL_H

#include <glib.h>

/*
 * Every way to say no, once. Ids are stable: alerts and runbooks match on them.
 * X(CODE, id, HTTP status, what happened, what to do next). docs/refusals.md is generated from here.
 *
 * A refusal: we looked, and the answer is no. A fault: we could not tell. Both end without credentials.
 * The two sentences are all that a person sees; error->message, for the audit log, has the exact reason.
 */
/* clang-format off */
#define RB_REFUSALS(X)                                                                                         \
    X(REQUEST_MALFORMED, "request.malformed", 400, "This request could not be read.", "Start again from the portal.") \
    X(REQUEST_TOO_LARGE, "request.too_large", 413, "This request is too large.", "Send less, or ask your administrator about the limit.") \
    X(IDENTITY_NAME_MISSING, "identity.name_missing", 403, "Your organisation's sign-in did not say who you are in a form AWS accepts.", "Ask your administrator which attribute carries your name.") \
    X(IDENTITY_NAME_UNUSABLE, "identity.name_unusable", 403, "Your name has characters that an AWS session name cannot carry.", "Ask your administrator to choose another attribute as your name.") \
    X(IDENTITY_NAME_TAKEN, "identity.name_taken", 403, "Another identity provider already vouches for somebody of this name.", "Ask your administrator; two people must never share one name in AWS.") \
    X(IDENTITY_MALFORMED, "identity.malformed", 403, "What your organisation's sign-in said about you could not be read.", "Ask your administrator; the incident id leads to the reason.") \
    X(IDENTITY_TOO_MANY_GROUPS, "identity.too_many_groups", 403, "Your organisation's sign-in listed more groups than are accepted.", "Ask your administrator to send only the groups that matter here.") \
    X(IDENTITY_GROUPS_INCOMPLETE, "identity.groups_incomplete", 403, "Your organisation's sign-in did not send all of your groups.", "Ask your administrator to filter the groups it sends; an incomplete list is never used.")

#define RB_FAULTS(X)                                                                                           \
    X(INTERNAL, "fault.internal", 500, "Something went wrong here.", "Try again; if it stays, tell your administrator the incident id.") \
    X(FILE, "fault.file", 500, "A file of this service could not be read.", "Tell your administrator the incident id.")
/* clang-format on */

typedef enum {
    RB_ACCEPTED = 0, /* for tables of test cases: no refusal */
#define X(code, id, status, what, next) RB_##code,
    RB_REFUSALS(X)
#undef X
        RB_N_REFUSALS
} RbRefusalCode;

typedef enum {
    RB_FAULT_NONE = 0,
#define X(code, id, status, what, next) RB_FAULT_##code,
    RB_FAULTS(X)
#undef X
        RB_N_FAULTS
} RbFaultCode;

/** What a person and a script are told of a refusal or fault. All strings are static. */
typedef struct {
    const char *id; /* "saml.signature_invalid" */
    int status;     /* HTTP */
    const char *what;
    const char *next;
} RbOutcome;

#define RB_REFUSAL (rb_refusal_quark())
#define RB_FAULT (rb_fault_quark())
GQuark rb_refusal_quark(void);
GQuark rb_fault_quark(void);

/**
 * rb_refuse: sets @error to the refusal @code with the exact reason, for the audit log: one fact on one line,
 * no secret, values from outside through rb_text_quote(). Returns: FALSE, so that a check can `return
 * rb_refuse(…)`
 */
gboolean rb_refuse(GError **error, RbRefusalCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** rb_fault: the same for what could not be decided. Returns: FALSE */
gboolean rb_fault(GError **error, RbFaultCode code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * rb_outcome: the catalogue's entry for @error. An error of any other domain is fault.internal: it is a bug
 * that it came this far, and it never grants anything.
 */
const RbOutcome *rb_outcome(const GError *error);

/** rb_outcome_by_id: the entry whose id is @id, or NULL. Used by documentation and tests. */
const RbOutcome *rb_outcome_by_id(const char *id);

/** rb_outcomes: all entries, refusals first, ended by one whose id is NULL. */
const RbOutcome *rb_outcomes(void);

/** rb_is_refusal: TRUE when @error is the refusal @code. */
gboolean rb_is_refusal(const GError *error, RbRefusalCode code);

#endif
