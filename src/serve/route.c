#include "serve/priv.h"

#include <string.h>

/* Every address we answer, once. */
/* clang-format off */
static const RbRoute routes[] = {
    /* method       path                          work              speech           body            flags           handler */
    { RB_SEEN_HEAD, "/",                          RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              0,              rb_handle_home_head },
    { RB_SEEN_GET,  "/",                          RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              0,              rb_handle_home },
    { RB_SEEN_HEAD, "/start",                     RB_WORK_INLINE,   RB_SPEAKS_PAGES, 0,              0,              rb_handle_start_head },
    { RB_SEEN_GET,  "/start",                     RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              0,              rb_handle_home },
    { RB_SEEN_GET,  "/login",                     RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_login },
    { RB_SEEN_GET,  "/logout",                    RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              0,              rb_handle_signed_out },
    { RB_SEEN_POST, "/logout",                    RB_WORK_QUICK,    RB_SPEAKS_PAGES, RB_BODY_SMALL,  0,              rb_handle_logout },
    { RB_SEEN_GET,  "/console",                   RB_WORK_UPSTREAM, RB_SPEAKS_PAGES, 0,              0,              rb_handle_console },
    { RB_SEEN_GET,  "/device",                    RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_device_page },
    { RB_SEEN_POST, "/device",                    RB_WORK_QUICK,    RB_SPEAKS_PAGES, RB_BODY_SMALL,  RB_ROUTE_RATED, rb_handle_device_answer },
    { RB_SEEN_GET,  "/authorize",                 RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_authorize_page },
    { RB_SEEN_POST, "/authorize",                 RB_WORK_QUICK,    RB_SPEAKS_PAGES, RB_BODY_SMALL,  RB_ROUTE_RATED, rb_handle_authorize_answer },

    { RB_SEEN_GET,  "/saml/{}/metadata",          RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_HEAD,  rb_handle_saml_metadata },
    { RB_SEEN_GET,  "/saml/{}/login",             RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_saml_login },
    { RB_SEEN_POST, "/saml/{}/acs",               RB_WORK_QUICK,    RB_SPEAKS_PAGES, RB_BODY_SAML,   RB_ROUTE_RATED, rb_handle_saml_acs },
    { RB_SEEN_GET,  "/saml/{}/slo",               RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_saml_slo },
    { RB_SEEN_POST, "/saml/{}/slo",               RB_WORK_QUICK,    RB_SPEAKS_PAGES, RB_BODY_SAML,   RB_ROUTE_RATED, rb_handle_saml_slo },

    { RB_SEEN_GET,  "/oidc/{}/login",             RB_WORK_UPSTREAM, RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_oidc_login },
    { RB_SEEN_GET,  "/oidc/{}/callback",          RB_WORK_UPSTREAM, RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_oidc_callback },
    { RB_SEEN_GET,  "/oidc/{}/logout",            RB_WORK_QUICK,    RB_SPEAKS_PAGES, 0,              RB_ROUTE_RATED, rb_handle_oidc_logout },
    { RB_SEEN_POST, "/oidc/{}/backchannel-logout", RB_WORK_UPSTREAM, RB_SPEAKS_JSON, RB_BODY_TOKEN,  RB_ROUTE_RATED, rb_handle_oidc_backchannel },

    { RB_SEEN_POST, "/client/register",           RB_WORK_QUICK,    RB_SPEAKS_OIDC,  RB_BODY_SMALL,  RB_ROUTE_RATED, rb_handle_register },
    { RB_SEEN_POST, "/device_authorization",      RB_WORK_QUICK,    RB_SPEAKS_OIDC,  RB_BODY_SMALL,  RB_ROUTE_RATED, rb_handle_device_start },
    { RB_SEEN_POST, "/token",                     RB_WORK_QUICK,    RB_SPEAKS_OIDC,  RB_BODY_SMALL,  RB_ROUTE_RATED, rb_handle_token },
    { RB_SEEN_GET,  "/federation/credentials",    RB_WORK_UPSTREAM, RB_SPEAKS_SSO,   0,              0,              rb_handle_role_credentials },
    { RB_SEEN_GET,  "/assignment/accounts",       RB_WORK_QUICK,    RB_SPEAKS_SSO,   0,              0,              rb_handle_accounts },
    { RB_SEEN_GET,  "/assignment/roles",          RB_WORK_QUICK,    RB_SPEAKS_SSO,   0,              0,              rb_handle_account_roles },

    { RB_SEEN_POST, "/sts",                       RB_WORK_UPSTREAM, RB_SPEAKS_STS,   RB_BODY_SAML,   0,              rb_handle_sts },
    { RB_SEEN_POST, "/sts/",                      RB_WORK_UPSTREAM, RB_SPEAKS_STS,   RB_BODY_SAML,   0,              rb_handle_sts },
    { RB_SEEN_GET,  "/sts",                       RB_WORK_UPSTREAM, RB_SPEAKS_STS,   0,              0,              rb_handle_sts },
    { RB_SEEN_GET,  "/sts/",                      RB_WORK_UPSTREAM, RB_SPEAKS_STS,   0,              0,              rb_handle_sts },

    { RB_SEEN_GET,  "/api/v1/whoami",             RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              0,              rb_handle_whoami },
    { RB_SEEN_GET,  "/api/v1/roles",              RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              0,              rb_handle_roles },
    { RB_SEEN_GET,  "/api/v1/credentials",        RB_WORK_UPSTREAM, RB_SPEAKS_JSON,  0,              0,              rb_handle_credentials },

    { RB_SEEN_GET,  "/.well-known/openid-configuration", RB_WORK_QUICK, RB_SPEAKS_JSON, 0,           RB_ROUTE_HEAD | RB_ROUTE_ANY_HOST, rb_handle_discovery },
    { RB_SEEN_GET,  "/jwks.json",                 RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              RB_ROUTE_HEAD | RB_ROUTE_ANY_HOST, rb_handle_jwks },
    { RB_SEEN_GET,  "/saml/metadata",             RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              RB_ROUTE_HEAD | RB_ROUTE_ANY_HOST, rb_handle_issuer_metadata },

    { RB_SEEN_GET,  "/assets/{}",                 RB_WORK_INLINE,   RB_SPEAKS_PAGES, 0,              RB_ROUTE_HEAD,  rb_handle_asset },
    { RB_SEEN_GET,  "/healthz",                   RB_WORK_INLINE,   RB_SPEAKS_JSON,  0,              RB_ROUTE_HEAD | RB_ROUTE_ANY_HOST | RB_ROUTE_CONSTANT, rb_handle_healthz },
    { RB_SEEN_GET,  "/readyz",                    RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              RB_ROUTE_HEAD | RB_ROUTE_ANY_HOST, rb_handle_readyz },
    { RB_SEEN_GET,  "/metrics",                   RB_WORK_QUICK,    RB_SPEAKS_JSON,  0,              RB_ROUTE_ANY_HOST, rb_handle_metrics },
};
/* clang-format on */

/* One '{}' stands for one segment that is not empty. Most patterns part from the path within a few bytes. */
static gboolean
matches(const char *pattern, const char *path, const char **captured, gsize *captured_size)
{
    *captured = NULL;
    while (*pattern != '\0' && *pattern == *path) {
        pattern++;
        path++;
    }
    if (*pattern != '{')
        return *pattern == '\0' && *path == '\0';
    *captured = path;
    *captured_size = strcspn(path, "/");
    return *captured_size > 0 && strcmp(path + *captured_size, pattern + strlen("{}")) == 0;
}

static gboolean
takes(const RbRoute *route, RbMethod method)
{
    return route->method == method ||
           (method == RB_SEEN_HEAD && route->method == RB_SEEN_GET && (route->flags & RB_ROUTE_HEAD) != 0);
}

const RbRoute *
rb_route_find(RbRequest *request, GError **error)
{
    const char *captured;
    gsize size;
    gboolean known = FALSE;

    for (const RbRoute *route = routes; route < routes + G_N_ELEMENTS(routes); route++) {
        if (!matches(route->pattern, request->path, &captured, &size))
            continue;
        known = TRUE;
        if (!takes(route, request->method))
            continue;
        if (captured != NULL)
            request->captured[0] = g_strndup(captured, size);
        request->speech = route->speech;
        return route;
    }
    (void)rb_refuse(error, known ? RB_REQUEST_METHOD : RB_REQUEST_NOT_FOUND, "%s",
                    known ? "the path does not take this method" : "no such path");
    return NULL;
}

char *
rb_route_allow(const char *path)
{
    static const char *const names[] = {
        [RB_SEEN_GET] = "GET", [RB_SEEN_HEAD] = "HEAD", [RB_SEEN_POST] = "POST"
    };
    g_autoptr(GString) allow = g_string_new(NULL);
    const char *captured;
    gsize size;

    for (int method = RB_SEEN_GET; method <= RB_SEEN_POST; method++)
        for (const RbRoute *route = routes; route < routes + G_N_ELEMENTS(routes); route++)
            if (matches(route->pattern, path, &captured, &size) && takes(route, (RbMethod)method)) {
                g_string_append_printf(allow, "%s%s", allow->len > 0 ? ", " : "", names[method]);
                break;
            }
    return allow->len > 0 ? g_strdup(allow->str) : NULL;
}

RbAnswer *
rb_route_run(RbRequest *request)
{
    g_autoptr(GError) error = NULL;
    RbAnswer *answer = rb_request_read_body(request, &error) ? request->route->handle(request, &error) : NULL;

    if (answer == NULL && error == NULL)
        (void)rb_fault(&error, RB_FAULT_INTERNAL, "handler of '%s' gave no answer", request->route->pattern);
    return answer != NULL ? answer : rb_answer_error(request, error, TRUE);
}
