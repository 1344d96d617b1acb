#ifndef RB_TEST_SERVE_FAKE_H
#define RB_TEST_SERVE_FAKE_H

#include "access/access.h"
#include "base/refusal.h"

/* access.h with nothing behind it: every call does what this says, and leaves here what it was asked. */
typedef struct {
    const char *public_url;
    const char *session;  /* the cookie or token that is good; NULL: none */
    const char *client;   /* of that session */
    RbRefusalCode refuse; /* what the next call to access/ refuses with */
    gboolean issuer;      /* accounts trust it */
    gboolean fault;       /* or it fails with fault.store */
    guint n_providers;    /* 1 or 2: "corp", "partner" */
    guint n_accounts;     /* that grants name, one role "data-scientist" each, "role-%03u" in the first */
    guint n_roles;        /* more roles in the first account */
    const char *name;     /* the person's */
    const char *idp_url;  /* where signing out goes on to */
    const char *saml_response; /* the console takes it; NULL: a URL */
    guint delay_ms;            /* of credentials */
    gint calls;                /* atomic: to credentials */
    /* what the last call was given; freed by fake_reset */
    char *seen_browser, *seen_old, *seen_next, *seen_provider, *seen_ip, *seen_what, *seen_account,
        *seen_role, *seen_destination, *seen_code, *seen_fields, *seen_grant, *seen_uri, *seen_raw,
        *seen_token, *seen_assertion, *seen_principal;
    gint64 seen_duration;
    const char *subject; /* of an exchanged proof */
    gboolean seen_mfa, seen_allow;
    gint audited; /* atomic: calls to rb_access_refused */
} Fake;

extern Fake fake;
void fake_reset(void);

#endif
