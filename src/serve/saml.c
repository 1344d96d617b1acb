#include "serve/fields.h"
#include "serve/priv.h"

#include <string.h>

/* The SAML service provider's addresses. What arrives is handed on as received; verify/ judges it. */

RbProvider *
rb_provider_of(RbRequest *request, const char *type, GError **error)
{
    RbProvider *provider =
        rb_providers_find(rb_access_providers(request->site->access), request->captured[0]);

    if (provider == NULL || strcmp(rb_provider_type(provider), type) != 0) {
        (void)rb_refuse(error, RB_SIGN_IN_NO_PROVIDER, "no identity provider of that id and type '%s'", type);
        return NULL;
    }
    return provider;
}

RbAnswer *
rb_handle_saml_metadata(RbRequest *request, GError **error)
{
    RbProvider *provider = rb_provider_of(request, "saml", error);
    g_autofree char *xml =
        provider != NULL ? rb_provider_metadata(provider, rb_request_visit(request)->now, error) : NULL;
    RbAnswer *answer;

    if (xml == NULL)
        return NULL;
    answer = rb_answer_new(200);
    rb_answer_body(answer, "application/samlmetadata+xml; charset=utf-8", xml, strlen(xml));
    return answer;
}

RbAnswer *
rb_handle_saml_login(RbRequest *request, GError **error)
{
    return rb_provider_of(request, "saml", error) != NULL
               ? rb_begin_sign_in(request, request->captured[0], error)
               : NULL;
}

gboolean
rb_request_inbound(const RbRequest *request, RbInbound *inbound, GError **error)
{
    gboolean post = request->method == RB_SEEN_POST;
    GHashTable *fields = post ? request->form : request->query;

    if (fields == NULL)
        return rb_refuse(error, RB_REQUEST_MALFORMED, "without a form or query");
    *inbound = (RbInbound){
        .method = post ? "POST" : "GET",
        .raw_query = request->raw_query,
        .fields = fields,
    };
    return TRUE;
}

static RbSignedIn *
finish(RbRequest *request, const RbInbound *inbound, GError **error)
{
    g_autofree char *sign_in_name = rb_site_cookie_name(request->site, RB_COOKIE_SIGN_IN);
    g_autofree char *session_name = rb_site_cookie_name(request->site, RB_COOKIE_SESSION);
    RbSignedIn *signed_in = NULL;
    char *browser = NULL, *old = NULL;

    if (rb_cookie_find(request->cookie, sign_in_name, &browser, error) &&
        rb_cookie_find(request->cookie, session_name, &old, error))
        signed_in = rb_access_finish(request->site->access, rb_request_visit(request), request->captured[0],
                                     inbound, browser, old, error);
    rb_wipe_free(browser);
    rb_wipe_free(old);
    return signed_in;
}

RbAnswer *
rb_finish_sign_in(RbRequest *request, GError **error)
{
    g_autoptr(RbSignedIn) signed_in = NULL;
    RbInbound inbound;
    RbAnswer *answer;

    if (!rb_request_inbound(request, &inbound, error))
        return NULL;
    signed_in = finish(request, &inbound, error);
    if (signed_in == NULL)
        return NULL;
    if (!rb_local_path(signed_in->next)) {
        (void)rb_fault(error, RB_FAULT_INTERNAL, "a sign-in would end on another site");
        return NULL;
    }
    answer = rb_answer_redirect(303, signed_in->next);
    rb_answer_cookie(answer, request->site, RB_COOKIE_SESSION, rb_secret_reveal(signed_in->session),
                     signed_in->expires_at - rb_request_visit(request)->now, FALSE);
    /* The sign-in cookie stays for its quarter of an hour: another tab of this browser may be signing in too.
     * What it is good for, a transaction, is used up. */
    return answer;
}

RbAnswer *
rb_handle_saml_acs(RbRequest *request, GError **error)
{
    return rb_provider_of(request, "saml", error) != NULL ? rb_finish_sign_in(request, error) : NULL;
}

RbAnswer *
rb_handle_saml_slo(RbRequest *request, GError **error)
{
    g_autofree char *url = NULL;
    RbInbound inbound;
    RbAnswer *answer;

    if (rb_provider_of(request, "saml", error) == NULL || !rb_request_inbound(request, &inbound, error))
        return NULL;
    url = rb_access_logout_message(request->site->access, rb_request_visit(request), request->captured[0],
                                   &inbound, error);
    if (url == NULL)
        return NULL;
    answer = rb_answer_redirect(303, url);
    rb_answer_cookie(answer, request->site, RB_COOKIE_SESSION, NULL, 0, FALSE);
    return answer;
}
