#ifndef RB_TESTS_ACCESS_FIXTURE_H
#define RB_TESTS_ACCESS_FIXTURE_H

#include "access/access.h"
#include "access/priv.h"
#include "base/refusal.h"
#include "doubles.h"
#include "store/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795510800 }; /* 2026-11-24T09:00:00Z, a Tuesday */
#define ACCOUNT "111122223333"
#define SAML_ACCOUNT "222233334444" /* for group dev */

/* One service with a store in a folder of its own, a small mapping, and a clock that stands still. */
typedef struct {
    char *folder, *mappings, *uri;
    gint64 now;
    RbStore *store;
    RbAccess *access;
    RbVisit visit;
    char incident[16];
} Fixture;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Folder and mapping only: for a test that brings its own store. */
Fixture *fixture_new(void);
void fixture_open(Fixture *f, RbStore *store);
void fixture_close(Fixture *f);
void fixture_free(Fixture *f);
void fixture_write(const Fixture *f, const char *name, const char *text);

/* The next request: a visit and an incident of its own. */
const RbVisit *next_visit(Fixture *f);

/* Signs in with "SUBJECT|NAME|PROOF|GROUPS|mfa|expires|index" at @provider. NULL with @error. */
RbSignedIn *sign_in_at(Fixture *f, const char *provider, const char *answer, const char *old, GError **error);
/* The cookie of alice, of group ds. (transfer full) */
char *sign_in(Fixture *f);
/* The session that @token leads to, or a failure of the test. */
RbSession *session_of(Fixture *f, const char *token);
/* The code that @token is refused with; RB_ACCEPTED: it is good. */
RbRefusalCode session_code(Fixture *f, const char *token);

GHashTable *fields_new(const char *name, ...) G_GNUC_NULL_TERMINATED;

/* How many audit records have @kind (NULL: any) and @code (NULL: any). */
guint audited(const Fixture *f, const char *kind, const char *code);
/* Text member @key of the newest record of @kind. (transfer full) */
char *audited_text(const Fixture *f, const char *kind, const char *key);
/** audited_claims: `claims` of the newest record of @kind as compact JSON, to be freed by free(); NULL: none.
 */
char *audited_claims(const Fixture *f, const char *kind);

void expect_code(const char *name, const GError *error, RbRefusalCode want);
void expect_fault(const char *name, const GError *error, RbFaultCode want);

#endif
