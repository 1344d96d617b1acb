#include "base/encoding.h"
#include "serve/fields.h"
#include "serve/priv.h"

#include <string.h>

/* IAM Identity Center's sso portal API (reference §5.4): unsigned, by x-amz-sso_bearer_token. */

enum { RB_PAGE_DEFAULT = 100, RB_PAGE_MOST = 100 };

/* A next_token is the key of the last entry seen: pages stay right when entries come and go between them. */
typedef struct {
    guint most;
    char *after; /* NULL: from the start */
} Page;

static gboolean
read_page(const RbRequest *request, Page *page, GError **error)
{
    const char *most = rb_request_query(request, "max_result"),
               *token = rb_request_query(request, "next_token");
    g_autoptr(GBytes) after = NULL;
    guint64 n = RB_PAGE_DEFAULT;

    if (most != NULL && !g_ascii_string_to_unsigned(most, 10, 1, RB_PAGE_MOST, &n, NULL))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "max_result is no number from 1 to %d", RB_PAGE_MOST);
    page->most = (guint)n;
    page->after = NULL;
    if (token == NULL || *token == '\0')
        return TRUE;
    after = strlen(token) <= 512 ? rb_base64url_decode(token) : NULL;
    if (after == NULL || !g_utf8_validate_len(g_bytes_get_data(after, NULL), g_bytes_get_size(after), NULL))
        return rb_refuse(error, RB_REQUEST_MALFORMED, "next_token is not one that was given out");
    page->after = g_strndup(g_bytes_get_data(after, NULL), g_bytes_get_size(after));
    return TRUE;
}

static json_t *
page_answer(const char *name, json_t *list, const char *last, gboolean more)
{
    g_autofree char *token = more && last != NULL ? rb_base64url_encode(last, strlen(last)) : NULL;

    return json_pack("{s:o, s:s?}", name, list, "nextToken", token);
}

RbAnswer *
rb_handle_accounts(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = rb_request_token(request, error);
    g_autoptr(RbDecision) decision = NULL;
    g_autofree char *after = NULL;
    const char *last = NULL;
    gboolean more = FALSE;
    json_t *list;
    Page page = { 0 };

    if (session == NULL || !read_page(request, &page, error))
        return NULL;
    after = page.after;
    decision = rb_access_decide(request->site->access, rb_request_visit(request), session);
    list = json_array();
    for (guint i = 0; i < decision->n_grants && !more; i++) {
        const RbGrant *grant = &decision->grants[i];
        if (g_strcmp0(grant->account, after) <= 0 || g_strcmp0(grant->account, last) == 0)
            continue;
        more = json_array_size(list) == page.most;
        if (more)
            break;
        last = grant->account;
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:n}", "accountId", grant->account,
                                                    "accountName", grant->account_name, "emailAddress"));
    }
    return rb_answer_json(200, page_answer("accountList", list, last, more));
}

static gboolean
read_account(const RbRequest *request, const char **account, GError **error)
{
    *account = rb_request_need(request, "account_id", error);
    if (*account == NULL)
        return FALSE;
    if (strlen(*account) != 12 || strspn(*account, "0123456789") != 12)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "account_id is not twelve digits");
    return TRUE;
}

RbAnswer *
rb_handle_account_roles(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = rb_request_token(request, error);
    g_autoptr(RbDecision) decision = NULL;
    g_autofree char *after = NULL;
    const char *account = NULL, *last = NULL;
    gboolean more = FALSE;
    json_t *list;
    Page page = { 0 };

    if (session == NULL || !read_account(request, &account, error) || !read_page(request, &page, error))
        return NULL;
    after = page.after;
    decision = rb_access_decide(request->site->access, rb_request_visit(request), session);
    list = json_array();
    for (guint i = 0; i < decision->n_grants && !more; i++) {
        const RbGrant *grant = &decision->grants[i];
        if (strcmp(grant->account, account) != 0 || g_strcmp0(grant->role, after) <= 0)
            continue;
        more = json_array_size(list) == page.most;
        if (more)
            break;
        last = grant->role;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "roleName", grant->role, "accountId", grant->account));
    }
    return rb_answer_json(200, page_answer("roleList", list, last, more));
}

RbAnswer *
rb_handle_role_credentials(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = rb_request_token(request, error);
    g_autoptr(RbCredentials) credentials = NULL;
    const char *account, *role;

    if (session == NULL || !read_account(request, &account, error) ||
        (role = rb_request_need(request, "role_name", error)) == NULL)
        return NULL;
    credentials = rb_access_credentials(request->site->access, rb_request_visit(request), session, account,
                                        role, 0, error);
    if (credentials == NULL)
        return NULL;
    return rb_answer_json(
        200,
        json_pack("{s:{s:s, s:s, s:s, s:I}}", "roleCredentials", "accessKeyId", credentials->access_key_id,
                  "secretAccessKey", rb_secret_reveal(credentials->secret_access_key), "sessionToken",
                  rb_secret_reveal(credentials->session_token), "expiration",
                  (json_int_t)credentials->expiration * 1000)); /* milliseconds: this API alone */
}

RbAnswer *
rb_handle_token_logout(RbRequest *request, GError **error)
{
    g_autoptr(RbSession) session = NULL;
    g_autofree char *idp_url = NULL;

    request->speech = RB_SPEAKS_SSO;
    session = rb_request_token(request, error);
    if (session == NULL ||
        !rb_access_sign_out(request->site->access, rb_request_visit(request), session, &idp_url, error))
        return NULL;
    return rb_answer_new(200); /* a client has no browser to end the IdP's session with */
}
