#ifndef RB_ROLEBRIDGE_LOGIN_H
#define RB_ROLEBRIDGE_LOGIN_H

#include "rolebridge/lease.h"
#include "rolebridge/token.h"

typedef enum { RB_LOGIN_AUTO, RB_LOGIN_BROWSER, RB_LOGIN_DEVICE } RbLoginWay;

typedef struct {
    RbLoginWay way;
    gboolean open_browser; /* FALSE: only print the address */
    gboolean by_itself;    /* a program asked, nobody typed 'login': at most one browser tab in two minutes */
    gboolean anew;         /* even if the sign-in at hand is still good */
} RbLoginAsk;

/**
 * rb_login: signs in: PKCE with a loopback redirect where a browser can be opened here, else by device code
 * (RFC 8628); writes the token cache. One sign-in at a time a person: who comes while one is under way waits
 * and uses its outcome. After one by itself that failed, the next two minutes bring no other.
 * Returns: (transfer full): the token, or NULL with session.missing, sso.* or a fault
 */
RbToken *rb_login(RbCli *cli, const RbLoginAsk *ask, GError **error);

/**
 * rb_login_lease: rb_lease_get(); where that wants a sign-in and @sign_in allows it, after one by itself.
 * Returns: (transfer full): the lease, or NULL with @error
 */
RbLease *rb_login_lease(RbCli *cli, const char *account, const char *role, gint64 duration_s,
                        gboolean sign_in, GError **error);

#endif
