#ifndef RB_ROLEBRIDGE_LOGIN_H
#define RB_ROLEBRIDGE_LOGIN_H

#include "rolebridge/token.h"

typedef enum { RB_LOGIN_AUTO, RB_LOGIN_BROWSER, RB_LOGIN_DEVICE } RbLoginWay;

/**
 * rb_login: signs in: PKCE with a loopback redirect where a browser can be opened here, else by device code
 * (RFC 8628). One sign-in at a time a person (others wait and use its result); writes the token cache.
 */
RbToken *rb_login(RbCli *cli, RbLoginWay way, gboolean open_browser, GError **error);

#endif
